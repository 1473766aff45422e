// Review of labels by keyboard and mouse. Decisions are sent in order, each with a number; until the server has
// answered one it is sent again with the next, so that nobody has to wait between two keys and none is lost. Nothing is
// decided about a label that is not on the screen.
const SVG = "http://www.w3.org/2000/svg"
const memory = new WeakMap()

const KEYS = [
  ["Accept", "A", "accept", "main"],
  ["Reject", "R", "reject"],
  ["Edit box", "E", "edit"],
  ["Class", "C", "classes"],
  ["Add a box", "B", "add"],
  ["All right on this image", "D", "finish"],
  ["Zoom", "Z", "zoom"],
  ["Back", "←", "previous"],
  ["Next", "→", "next"],
  ["Undo", "U", "undo"],
]
const EDIT_KEYS = [
  ["Save", "Enter", "save", "main"],
  ["Cancel", "Esc", "cancel"],
  ["Move", "← ↑ ↓ →"],
  ["Size", "Shift + ← ↑ ↓ →"],
  ["One pixel", "Alt"],
]
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const CORNERS = ["nw", "n", "ne", "e", "se", "s", "sw", "w"]

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
    this.box = null
    this.zoomed = false
    this.waits = false
    this.root.addEventListener("keydown", (event) => this.key(event))
    this.svg.addEventListener("pointerdown", (event) => this.grab(event))
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
      this.box = null
      this.go(data.at)
      return
    }
    if (this.box === null) this.draw()
  }

  get item() {
    return this.data.items.find((one) => one.place === this.at)
  }

  go(place) {
    this.at = Math.max(0, Math.min(place, this.data.total - 1))
    this.box = null
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
    this.box = null
    this.waits = kind === "undo" || kind === "finish" // where to be after these is what the server says
    this.say({ accept: "Accepted", reject: "Rejected", change: "Changed", finish: "All right", add: "Added", undo: "Taken back" }[kind])
    this.draw()
    this.tell()
  }

  tell() {
    this.send({ sitting: this.sitting, at: this.at, list: this.pending, have: [...this.images.keys()] })
  }

  act(action) {
    const item = this.item
    if (this.waits) this.say("One moment")
    else if (action === "previous" || action === "next") {
      this.go(this.at + (action === "next" ? 1 : -1))
      if (!this.item) this.tell()
    } else if (action === "undo") this.decide("undo")
    else if (action === "zoom") {
      this.zoomed = !this.zoomed
      this.draw()
    } else if (!item || !this.images.has(String(item.image))) this.say("One moment, it is on its way")
    else if (action === "accept") this.decide(item.label === null ? "finish" : "accept")
    else if (action === "finish") this.decide("finish")
    else if (action === "reject" && item.label !== null) this.decide("reject")
    else if (action === "edit") this.edit()
    else if (action === "add") this.edit(true)
    else if (action === "classes") this.showClasses()
    else if (action === "save") this.save()
    else if (action === "cancel") this.go(this.at)
  }

  edit(isNew = false) {
    const item = this.item
    if (!isNew && (item.label === null || !item.editable)) {
      this.say(item.label === null ? "Nothing was found here; B adds a box" : "A mask is accepted or rejected here")
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
    } else if (this.item.label === null) this.say("Nothing was found here; B adds a box")
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
    if (this.box !== null) {
      const arrow = ARROWS[event.key]
      if (arrow) this.nudge(arrow, event)
      else if (event.key === "Enter") this.save()
      else if (event.key === "Escape") this.go(this.at)
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
    const handle = event.target.dataset?.handle
    const onBox = event.target.classList?.contains("box")
    if (this.box === null) {
      if (!(handle || onBox)) return
      this.edit()
      if (this.box === null) return
    } else if (!(handle || onBox)) return
    event.preventDefault()
    const from = this.point(event)
    const before = [...this.box]
    const move = (moved) => {
      const [x, y] = this.point(moved)
      const [dx, dy] = [x - from[0], y - from[1]]
      const box = [...before]
      if (!handle) box.forEach((_, side) => (box[side] += side % 2 ? dy : dx))
      if (handle?.includes("w")) box[0] += dx
      if (handle?.includes("e")) box[2] += dx
      if (handle?.includes("n")) box[1] += dy
      if (handle?.includes("s")) box[3] += dy
      this.box = box
      if (!handle) this.keepInside()
      this.draw()
    }
    const end = () => {
      removeEventListener("pointermove", move)
      removeEventListener("pointerup", end)
      this.keepInside()
      this.draw()
    }
    addEventListener("pointermove", move)
    addEventListener("pointerup", end)
  }

  say(text) {
    this.root.querySelector(".said").textContent = text
  }

  draw() {
    const item = this.item
    this.drawKeys()
    const now = this.root.querySelector(".class")
    const where = this.root.querySelector(".where")
    this.root.querySelector(".conf").textContent = item?.confidence == null ? "" : item.confidence.toFixed(3)
    if (!this.data.total) {
      now.textContent = "Nothing left here"
      where.textContent = ""
      this.svg.replaceChildren()
      return
    }
    if (!item || !this.images.has(String(item.image))) {
      now.textContent = "One moment"
      return
    }
    now.textContent = this.box !== null && this.isNew ? `New: ${this.newClass}` : (item.class ?? "Nothing found")
    const word = item.word ? ` · ${item.word}` : ""
    where.textContent = `${this.at + 1} of ${this.data.total} · ${item.name}${word}`
    this.drawImage(item)
  }

  drawImage(item) {
    const [width, height] = item.size
    const image = part("image", { href: this.images.get(String(item.image)), width, height, preserveAspectRatio: "none" })
    const color = this.data.classes.find((one) => one.name === (this.isNew && this.box ? this.newClass : item.class))?.color ?? "#fff"
    const shapes = item.others.map((other) => part("rect", { ...rect(other), class: "other" }))
    const box = this.box ?? item.box
    this.svg.classList.toggle("editing", this.box !== null)
    if (box) {
      if (this.box === null && item.borders.length) {
        for (const border of item.borders) {
          const points = border.map((spot) => spot.join(",")).join(" ")
          shapes.push(part("polygon", { points, class: "edge" }), part("polygon", { points, class: "box", stroke: color, fill: color }))
        }
      } else shapes.push(part("rect", { ...rect(box), class: "edge" }), part("rect", { ...rect(box), class: "box", stroke: color, fill: color }))
      if (item.editable || this.box !== null) shapes.push(...this.handles(box, item.size))
    }
    this.svg.replaceChildren(image, ...shapes)
    this.svg.setAttribute("viewBox", this.view(box, item.size))
    const what = item.class ? `${item.class}, confidence ${item.confidence?.toFixed(2) ?? "unknown"}` : "nothing found"
    this.svg.setAttribute("aria-label", `${item.name}: ${what}`)
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

  view(box, [width, height]) {
    if (!this.zoomed || !box || this.box !== null) return `0 0 ${width} ${height}`
    const side = Math.max(box[2] - box[0], box[3] - box[1], Math.max(width, height) / 12) * 2.4
    return `${(box[0] + box[2] - side) / 2} ${(box[1] + box[3] - side) / 2} ${side} ${side}`
  }

  drawKeys() {
    const keys = this.box === null ? KEYS : EDIT_KEYS
    const footer = this.root.querySelector(".keys")
    const kind = this.box === null ? "decide" : "edit"
    if (footer.dataset.kind !== kind) {
      footer.dataset.kind = kind
      footer.replaceChildren(
        ...keys.map(([name, key, action, look]) => {
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
