// Review of labels by keyboard and mouse. Decisions are sent in order, each with a number; until the server has
// answered one it is sent again with the next, so that nobody has to wait between two keys and none is lost. Nothing is
// decided about a label that is not on the screen.
const SVG = "http://www.w3.org/2000/svg"
const memory = new WeakMap()

const decideKeys = () => [
  [_("Accept"), "A", "accept", "main"],
  [_("Reject"), "R", "reject"],
  [_("Edit"), "E", "edit"],
  [_("Class"), "C", "classes"],
  [_("Add a box"), "B", "add"],
  [_("All right on this image"), "D", "finish"],
  [_("Zoom"), "Z", "zoom"],
  [_("Back"), "←", "previous"],
  [_("Next"), "→", "next"],
  [_("Undo"), "U", "undo"],
]
const editKeys = () => [
  [_("Save"), _("Enter"), "save", "main"],
  [_("Cancel"), _("Esc"), "cancel"],
  [_("Move"), "← ↑ ↓ →"],
  [_("Size"), _("Shift + ← ↑ ↓ →")],
  [_("One pixel"), "Alt"],
]
const outlineKeys = () => [
  [_("Save"), _("Enter"), "save", "main"],
  [_("Cancel"), _("Esc"), "cancel"],
  [_("Next point"), "N", "next-point"],
  [_("Point before"), "P", "point-before"],
  [_("Add a point"), "+", "add-point"],
  [_("Remove the point"), _("Del"), "remove-point"],
  [_("Move the point"), "← ↑ ↓ →"],
  [_("Move all"), _("Shift + ← ↑ ↓ →")],
  [_("One pixel"), "Alt"],
]
const LEAST_POINTS = 3
const TWICE_MS = 500 // a second press within it takes a point away
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const CORNERS = ["nw", "n", "ne", "e", "se", "s", "sw", "w"]

const decimal = (value, digits) =>
  value.toLocaleString(document.documentElement.lang || "en", { minimumFractionDigits: digits, maximumFractionDigits: digits })

function part(tag, attributes) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

class Review {
  constructor(root, send) {
    this.root = root.querySelector(".review")
    this.svg = root.querySelector("svg")
    this.send = send
    this.images = new Map()
    this.pending = []
    this.sequence = 0
    this.sitting = crypto.randomUUID()
    this.at = 0
    this.box = null // while a box is edited
    this.outlines = null // while outlines are edited: lists of [x, y]
    this.spot = [0, 0] // the chosen point: outline and place in it
    this.zoomed = false
    this.waits = false
    this.root.addEventListener("keydown", (event) => this.key(event))
    this.svg.addEventListener("pointerdown", (event) => this.grab(event))
    this.root.setAttribute("aria-label", _("Review of labels"))
    this.root.querySelector(".classes").setAttribute("aria-label", _("Class"))
    this.root.focus({ preventScroll: true })
  }

  take(data) {
    this.data = data
    for (const [id, image] of Object.entries(data.images)) this.images.set(id, image)
    if (data.sitting === this.sitting) this.pending = this.pending.filter((one) => one.number > data.done)
    if (data.turn !== this.turn) {
      // Another queue, an undo or a refusal: where to be is what the server says
      this.turn = data.turn
      this.waits = false
      this.go(data.at)
      return
    }
    if (!this.edits) this.draw()
  }

  get edits() {
    return this.box !== null || this.outlines !== null
  }

  get item() {
    return this.data.items.find((one) => one.place === this.at)
  }

  go(place) {
    this.at = Math.max(0, Math.min(place, this.data.total - 1))
    this.box = this.outlines = null
    this.root.querySelector(".classes").hidden = true
    this.draw()
  }

  decide(kind, more = {}) {
    const item = this.item
    if (!item && kind !== "undo") return
    this.sequence += 1
    this.pending.push({ number: this.sequence, kind, place: this.at, label: item?.label ?? null, image: item?.image ?? null, ...more })
    if (kind === "accept" || kind === "reject" || kind === "change") {
      if (this.at + 1 < this.data.total) this.at += 1
    }
    this.box = this.outlines = null
    this.waits = kind === "undo" || kind === "finish" // where to be after these is what the server says
    // With what it is said of: what is on the screen now may be the next label
    const of = { label: item?.class ?? "", image: item?.name ?? "" }
    this.say(
      {
        accept: _("Before: “{label}” accepted", of),
        reject: _("Before: “{label}” rejected", of),
        change: _("Before: “{label}” changed", of),
        finish: _("“{image}”: all right", of),
        add: _("Added to “{image}”", of),
        undo: _("Taken back"),
      }[kind],
    )
    this.draw()
    this.tell()
  }

  tell() {
    this.send({ sitting: this.sitting, at: this.at, list: this.pending, have: [...this.images.keys()] })
  }

  act(action) {
    const item = this.item
    if (this.waits) this.say(_("One moment"))
    else if (action === "previous" || action === "next") {
      this.go(this.at + (action === "next" ? 1 : -1))
      this.say("")
      if (!this.item) this.tell()
    } else if (action === "undo") this.decide("undo")
    else if (action === "zoom") {
      this.zoomed = !this.zoomed
      this.draw()
    } else if (!item || !this.images.has(String(item.image))) this.say(_("One moment, it is on its way"))
    else if (action === "accept") this.decide(item.label === null ? "finish" : "accept")
    else if (action === "finish") this.decide("finish")
    else if (action === "reject" && item.label !== null) this.decide("reject")
    else if (action === "edit") this.edit()
    else if (action === "add") this.edit(true)
    else if (action === "classes") this.showClasses()
    else if (action === "save") this.save()
    else if (action === "cancel") this.cancel()
    else if (action === "next-point") this.choosePoint(1)
    else if (action === "point-before") this.choosePoint(-1)
    else if (action === "add-point") this.addPoint()
    else if (action === "remove-point") this.removePoint()
  }

  cancel() {
    this.go(this.at)
    this.say("")
  }

  edit(isNew = false) {
    const item = this.item
    if (!isNew && (item.label === null || !item.editable)) {
      this.say(item.label === null ? _("Nothing was found here; B adds a box") : _("This shape is accepted or rejected here"))
      return
    }
    if (!isNew && item.editable === "outline") {
      this.outlines = item.borders.map((outline) => outline.map((point) => [...point]))
      this.spot = [0, 0]
      this.frame = around(item.box, item.size)
      this.tellPoint()
      this.draw()
      return
    }
    const [width, height] = item.size
    this.isNew = isNew
    this.box = isNew ? [width * 0.4, height * 0.4, width * 0.6, height * 0.6] : [...item.box]
    this.newClass = item.class ?? this.data.classes[0]?.name
    this.draw()
    if (isNew) this.showClasses()
  }

  save() {
    if (this.outlines !== null) {
      this.decide("change", { box: null, outlines: this.outlines, class: this.item.class })
      return
    }
    if (this.box === null) return
    const box = this.box.map(Math.round)
    if (this.isNew) this.decide("add", { box, class: this.newClass })
    else this.decide("change", { box, class: this.item.class })
  }

  showClasses() {
    const item = this.item
    const list = this.root.querySelector(".classes")
    const now = this.box !== null && this.isNew ? this.newClass : item.class
    const buttons = this.data.classes.map((one, index) => {
      const button = document.createElement("button")
      button.type = "button"
      button.role = "option"
      button.setAttribute("aria-selected", String(one.name === now))
      const color = document.createElement("i")
      color.style.background = one.color
      const key = document.createElement("kbd")
      key.textContent = index < 9 ? index + 1 : ""
      button.append(...(index < 9 ? [key] : []), color, one.name)
      button.onclick = () => this.choose(one.name)
      return button
    })
    list.replaceChildren(...buttons)
    list.hidden = false
    if (!(this.box !== null && this.isNew)) (buttons.find((one) => one.ariaSelected === "true") ?? buttons[0])?.focus()
  }

  choose(name) {
    this.root.querySelector(".classes").hidden = true
    this.root.focus({ preventScroll: true })
    if (this.box !== null && this.isNew) {
      this.newClass = name
      this.draw()
    } else if (this.item.label === null) this.say(_("Nothing was found here; B adds a box"))
    else this.decide("change", { class: name, box: null })
  }

  key(event) {
    if (event.ctrlKey || event.metaKey) return
    const list = this.root.querySelector(".classes")
    const open = !list.hidden
    if (open && /^[1-9]$/.test(event.key) && this.data.classes[event.key - 1]) {
      event.preventDefault()
      this.choose(this.data.classes[event.key - 1].name)
      return
    }
    if (open && list.contains(event.target)) {
      const buttons = [...list.children]
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key]
      if (step) {
        event.preventDefault()
        buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length].focus()
      } else if (event.key === "Escape") {
        list.hidden = true
        this.root.focus({ preventScroll: true })
      }
      event.stopPropagation()
      return
    }
    if (this.outlines !== null) {
      const action = {
        enter: "save", escape: "cancel", n: "next-point", p: "point-before", "+": "add-point", insert: "add-point",
        delete: "remove-point", backspace: "remove-point",
      }[event.key.toLowerCase()]
      const arrow = ARROWS[event.key]
      if (arrow) this.nudgePoint(arrow, event)
      else if (action && !(event.target.tagName === "BUTTON" && event.key === "Enter")) this.act(action)
      else return
      event.preventDefault()
      event.stopPropagation()
      return
    }
    if (this.box !== null) {
      const arrow = ARROWS[event.key]
      if (arrow) this.nudge(arrow, event)
      else if (event.key === "Enter") this.save()
      else if (event.key === "Escape") this.cancel()
      else return
      event.preventDefault()
      event.stopPropagation()
      return
    }
    if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ")) return
    const action = {
      a: "accept", enter: "accept", r: "reject", delete: "reject", backspace: "reject", e: "edit", c: "classes", b: "add",
      d: "finish", z: "zoom", arrowleft: "previous", arrowright: "next", u: "undo",
    }[event.key.toLowerCase()]
    if (!action) return
    event.preventDefault()
    event.stopPropagation()
    this.act(action)
  }

  nudge([x, y], event) {
    const step = event.altKey ? 1 : Math.max(2, Math.round(Math.max(...this.item.size) / 100))
    if (event.shiftKey) this.box = [this.box[0], this.box[1], this.box[2] + x * step, this.box[3] + y * step]
    else this.box = [this.box[0] + x * step, this.box[1] + y * step, this.box[2] + x * step, this.box[3] + y * step]
    this.keepInside()
    this.draw()
  }

  // Outlines

  tellPoint() {
    const [outline, place] = this.spot
    const figures = { number: place + 1, total: this.outlines[outline].length, outline: outline + 1 }
    this.say(this.outlines.length > 1 ? _("Point {number} of {total} of outline {outline}", figures) : _("Point {number} of {total}", figures))
  }

  choosePoint(step) {
    let [outline, place] = this.spot
    place += step
    if (place < 0 || place >= this.outlines[outline].length) {
      outline = (outline + step + this.outlines.length) % this.outlines.length
      place = step > 0 ? 0 : this.outlines[outline].length - 1
    }
    this.spot = [outline, place]
    this.tellPoint()
    this.draw()
  }

  addPoint(point = null) {
    const [outline, place] = this.spot
    const points = this.outlines[outline]
    const next = points[(place + 1) % points.length]
    points.splice(place + 1, 0, point ?? [(points[place][0] + next[0]) / 2, (points[place][1] + next[1]) / 2])
    this.spot = [outline, place + 1]
    this.tellPoint()
    this.draw()
  }

  removePoint() {
    const [outline, place] = this.spot
    const points = this.outlines[outline]
    if (points.length > LEAST_POINTS) {
      points.splice(place, 1)
      this.spot = [outline, place % points.length]
    } else if (this.outlines.length > 1) {
      this.outlines.splice(outline, 1)
      this.spot = [0, 0]
    } else {
      this.say(_("An outline has three points at least; R rejects the label"))
      return
    }
    this.tellPoint()
    this.draw()
  }

  nudgePoint([x, y], event) {
    const step = event.altKey ? 1 : Math.max(1, Math.round(this.frame[2] / 100))
    const [outline, place] = this.spot
    const moved = event.shiftKey ? this.outlines.flat() : [this.outlines[outline][place]]
    this.shift(moved, moved.map((point) => [...point]), x * step, y * step)
    this.draw()
  }

  shift(points, from, x, y) {
    const [width, height] = this.item.size
    // All of them alike, as far as none leaves the image
    const far = (way, side, most) => Math.min(Math.max(way, -Math.min(...from.map((one) => one[side]))), most - Math.max(...from.map((one) => one[side])))
    const [dx, dy] = [far(x, 0, width), far(y, 1, height)]
    points.forEach((point, number) => {
      point[0] = from[number][0] + dx
      point[1] = from[number][1] + dy
    })
    const box = boundsOf(this.outlines)
    const [left, top, side] = this.frame
    if (box[0] < left || box[1] < top || box[2] > left + side || box[3] > top + side) this.frame = around(box, this.item.size)
  }

  nearestEdge([x, y]) {
    let best = { distance: Infinity }
    this.outlines.forEach((points, outline) =>
      points.forEach(([ax, ay], place) => {
        const [bx, by] = points[(place + 1) % points.length]
        const along = Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 || 1)))
        const point = [ax + along * (bx - ax), ay + along * (by - ay)]
        const distance = Math.hypot(x - point[0], y - point[1])
        if (distance < best.distance) best = { distance, point, spot: [outline, place] }
      }),
    )
    return best
  }

  grabOutline(event) {
    const spot = event.target.dataset?.spot
    const from = this.point(event)
    const edge = this.nearestEdge(from)
    // Not "dblclick", which needs the very element that was pressed first: each press draws the points anew
    const pressed = this.pressed
    this.pressed = { spot, at: event.timeStamp }
    if (spot) {
      this.spot = spot.split(",").map(Number)
      if (pressed?.spot === spot && event.timeStamp - pressed.at < TWICE_MS) {
        this.pressed = null
        this.removePoint()
        return
      }
      this.tellPoint()
    } else if (edge.distance < this.frame[2] / 60) {
      this.spot = edge.spot
      this.addPoint(edge.point)
    } else if (!event.target.classList?.contains("box")) return
    const onSpot = spot || edge.distance < this.frame[2] / 60
    event.preventDefault()
    const moved = onSpot ? [this.outlines[this.spot[0]][this.spot[1]]] : this.outlines.flat()
    const before = moved.map((point) => [...point])
    this.draw()
    this.drag((x, y) => this.shift(moved, before, x - from[0], y - from[1]))
  }

  drag(follow, done = () => {}) {
    const move = (moved) => {
      if (!this.edits) return // Esc came in between
      follow(...this.point(moved))
      this.draw()
    }
    const end = () => {
      removeEventListener("pointermove", move)
      removeEventListener("pointerup", end)
      if (this.edits) done()
      this.draw()
    }
    addEventListener("pointermove", move)
    addEventListener("pointerup", end)
  }

  keepInside() {
    const [width, height] = this.item.size
    let [left, top, right, bottom] = this.box
    if (right < left) [left, right] = [right, left]
    if (bottom < top) [top, bottom] = [bottom, top]
    const wide = Math.min(Math.max(right - left, 2), width - 1)
    const high = Math.min(Math.max(bottom - top, 2), height - 1)
    left = Math.max(0, Math.min(left, width - 1 - wide))
    top = Math.max(0, Math.min(top, height - 1 - high))
    this.box = [left, top, left + wide, top + high]
  }

  point(event) {
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse())
    return [spot.x, spot.y]
  }

  grab(event) {
    const item = this.item
    if (!item) return
    this.root.focus({ preventScroll: true })
    if (this.outlines !== null) {
      this.grabOutline(event)
      return
    }
    const handle = event.target.dataset?.handle
    const onBox = event.target.classList?.contains("box")
    if (this.box === null) {
      if (!(handle || onBox)) return
      this.edit()
      if (this.box === null) return // outlines are zoomed to first
    } else if (!(handle || onBox)) return
    event.preventDefault()
    const from = this.point(event)
    const before = [...this.box]
    const follow = (x, y) => {
      const [dx, dy] = [x - from[0], y - from[1]]
      const box = [...before]
      if (!handle) box.forEach((one, side) => (box[side] += side % 2 ? dy : dx))
      if (handle?.includes("w")) box[0] += dx
      if (handle?.includes("e")) box[2] += dx
      if (handle?.includes("n")) box[1] += dy
      if (handle?.includes("s")) box[3] += dy
      this.box = box
      if (!handle) this.keepInside()
    }
    this.drag(follow, () => this.keepInside())
  }

  say(text) {
    this.root.querySelector(".said").textContent = text
  }

  draw() {
    const item = this.item
    this.drawKeys()
    const now = this.root.querySelector(".class")
    const where = this.root.querySelector(".where")
    const drawsNew = this.box !== null && this.isNew // a box of a person has no confidence
    this.root.querySelector(".conf").textContent = drawsNew || item?.confidence == null ? "" : decimal(item.confidence, 3)
    if (!this.data.total) {
      now.textContent = _("Nothing left here")
      where.textContent = ""
      this.svg.replaceChildren()
      return
    }
    if (!item || !this.images.has(String(item.image))) {
      now.textContent = _("One moment")
      return
    }
    now.textContent = drawsNew ? _("New: {class}", { class: this.newClass }) : (item.class ?? _("Nothing found"))
    const word = item.word ? ` · ${item.word}` : ""
    where.textContent = `${this.place()} · ${item.name}${word}`
    this.drawImage(item)
  }

  place() {
    // Labels first, then the images on which nothing was found: each kind counts for itself, as above the picture
    const { labels, total } = this.data
    if (this.at < labels) return _("{number} of {total}", { number: this.at + 1, total: labels })
    return _("Nothing found: image {number} of {total}", { number: this.at - labels + 1, total: total - labels })
  }

  drawImage(item) {
    const [width, height] = item.size
    const image = part("image", { href: this.images.get(String(item.image)), width, height, preserveAspectRatio: "none" })
    const color = this.data.classes.find((one) => one.name === (this.isNew && this.box ? this.newClass : item.class))?.color ?? "#fff"
    const shapes = item.others.map((other) => part("rect", { ...rect(other), class: "other" }))
    const box = this.box ?? item.box
    this.svg.classList.toggle("editing", this.edits)
    if (box) {
      if (this.box === null && item.borders.length) {
        const d = (this.outlines ?? item.borders).map((outline) => `M${outline.map((point) => point.join(" ")).join("L")}Z`).join("")
        shapes.push(part("path", { d, class: "edge" }), part("path", { d, class: "box", stroke: color, fill: color }))
      } else shapes.push(part("rect", { ...rect(box), class: "edge" }), part("rect", { ...rect(box), class: "box", stroke: color, fill: color }))
      if (item.editable === "box" || this.box !== null) shapes.push(...this.handles(box, item.size))
      if (this.outlines !== null) shapes.push(...this.spots())
    }
    this.svg.replaceChildren(image, ...shapes)
    this.svg.setAttribute("viewBox", this.view(box, item.size))
    const said = { image: item.name, class: item.class, confidence: item.confidence == null ? "" : decimal(item.confidence, 2) }
    const words = item.confidence == null ? _("{image}: {class}, confidence unknown", said) : _("{image}: {class}, confidence {confidence}", said)
    this.svg.setAttribute("aria-label", item.class ? words : _("{image}: nothing found", said))
  }

  handles([left, top, right, bottom], [width, height]) {
    const size = Math.max(width, height) / 90
    const [x, y] = [(left + right) / 2, (top + bottom) / 2]
    const spots = { nw: [left, top], n: [x, top], ne: [right, top], e: [right, y], se: [right, bottom], s: [x, bottom], sw: [left, bottom], w: [left, y] }
    return CORNERS.map((name) => {
      const [cx, cy] = spots[name]
      const made = part("rect", { x: cx - size / 2, y: cy - size / 2, width: size, height: size, class: "handle" })
      made.dataset.handle = name
      made.style.cursor = `${name}-resize`
      return made
    })
  }

  spots() {
    const size = this.frame[2] / 80
    const made = this.outlines.flatMap((points, outline) =>
      points.map(([cx, cy], place) => {
        const chosen = this.spot[0] === outline && this.spot[1] === place
        const spot = part("circle", { cx, cy, r: chosen ? size * 1.4 : size, class: chosen ? "spot chosen" : "spot" })
        spot.dataset.spot = `${outline},${place}`
        return spot
      }),
    )
    return made.sort((one, other) => one.classList.contains("chosen") - other.classList.contains("chosen")) // on top
  }

  view(box, size) {
    if (this.outlines !== null) return `${this.frame[0]} ${this.frame[1]} ${this.frame[2]} ${this.frame[2]}`
    if (!this.zoomed || !box || this.box !== null) return `0 0 ${size[0]} ${size[1]}`
    const [left, top, side] = around(box, size, 2.4)
    return `${left} ${top} ${side} ${side}`
  }

  drawKeys() {
    const kind = this.outlines !== null ? "outline" : this.box !== null ? "edit" : "decide"
    const keys = { decide: decideKeys, edit: editKeys, outline: outlineKeys }[kind]
    const footer = this.root.querySelector(".keys")
    if (footer.dataset.kind !== kind) {
      footer.dataset.kind = kind
      footer.replaceChildren(
        ...keys().map(([name, key, action, look]) => {
          const made = document.createElement(action ? "button" : "span")
          const mark = document.createElement("kbd")
          mark.textContent = key
          made.append(mark, name)
          if (action) {
            made.type = "button"
            made.className = look ?? ""
            made.dataset.action = action
            made.tabIndex = -1 // every one has its key; Tab leads on
            made.onclick = () => {
              this.root.focus({ preventScroll: true })
              this.act(action)
            }
          }
          return made
        }),
      )
    }
    const undo = footer.querySelector('[data-action="undo"]')
    if (undo) undo.disabled = !this.data.undo && !this.pending.length
  }
}

// Left, top and side of a square around a box on an image
const around = (box, [width, height], much = 1.5) => {
  const side = Math.max(box[2] - box[0], box[3] - box[1], Math.max(width, height) / 12) * much
  return [(box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2, side]
}
const boundsOf = (outlines) => {
  const [xs, ys] = [0, 1].map((side) => outlines.flat().map((point) => point[side]))
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
const rect = ([left, top, right, bottom]) => ({ x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) })

export default function ({ data, parentElement, setStateValue }) {
  let review = memory.get(parentElement)
  if (!review) {
    review = new Review(parentElement, (said) => setStateValue("said", said))
    memory.set(parentElement, review)
  }
  review.send = (said) => setStateValue("said", said)
  review.take(data)
  // What is not here yet is asked for, and what was sent while a script was stopped goes again
  const missing = review.data.total && (!review.item || !review.images.has(String(review.item.image)))
  if (missing) review.tell()
}
