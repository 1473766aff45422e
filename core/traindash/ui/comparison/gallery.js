const NS = "http://www.w3.org/2000/svg"
const SIGNS = { truth: "", predicted: "", found: "✓", missed: "○", false_alarm: "✕" }
// Made when they are shown: the page's texts are there before its components, and not when this is read.
const counted = (kind, number) => {
  const one = number === 1
  const objects = one ? _("{count} object", { count: number }) : _("{count} objects", { count: number })
  const words = {
    truth: objects, predicted: objects, found: _("{count} found", { count: number }), missed: _("{count} missed", { count: number }),
    false_alarm: one ? _("{count} false alarm", { count: number }) : _("{count} false alarms", { count: number }),
  }
  return words[kind]
}
const STEP = 1.5
const MOST_LABELS = 16
const ROOMY = 280 // pixels of a whole image from which on names do not cover it
const memory = new WeakMap()

const node = (kind, attributes = {}, ...children) => {
  const made = document.createElementNS(NS, kind)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}
const html = (kind, className, ...children) => {
  const made = document.createElement(kind)
  if (className) made.className = className
  made.append(...children)
  return made
}

// The mask of a segmentation, otherwise the box.
function outline(mark, className) {
  if (mark.path) return node("path", { d: mark.path, "fill-rule": "evenodd", class: `${className} mask${mark.open ? " open" : ""}` })
  const [x, y, width, height] = mark.box
  return node("rect", { x, y, width, height, class: className })
}

function drawMark(mark, labelled) {
  const [x, y] = mark.box
  const group = node("g", { class: `mark ${mark.kind}${mark.strong ? "" : " weak"}`, style: `--color:${mark.color}` })
  const title = node("title")
  title.textContent = mark.words
  group.append(title, outline(mark, "halo"), outline(mark, "line"))
  const label = node("text", { x, y })
  const sign = node("tspan")
  sign.textContent = SIGNS[mark.kind]
  const name = node("tspan", { class: "name" })
  name.textContent = labelled ? `${SIGNS[mark.kind] && " "}${mark.label}` : ""
  label.append(sign, name)
  group.append(label)
  return group
}

function drawCell(row, cell, column, source = row.source) {
  const box = html("div", "cell")
  if (!cell.measured) {
    box.append(html("p", "unmeasured", cell.words ?? _("Not measured on this image")))
    return { box, svg: null }
  }
  const shown = Object.entries(cell.counts).filter(([kind]) => (column.truth ? kind === "truth" : kind !== "truth"))
  const told = shown.map(([kind, number]) => counted(kind, number)).join(", ") || (cell.note ?? "")
  const svg = node("svg", { role: "img", tabindex: "0", "aria-label": `${row.name}, ${column.title}: ${told}` })
  svg.append(
    source
      ? node("image", { href: source, width: row.width, height: row.height, preserveAspectRatio: "none" })
      : node("rect", { class: "nothing", width: row.width, height: row.height }),
  )
  const strong = cell.marks.filter((mark) => mark.strong).length
  for (const mark of cell.marks) svg.append(drawMark(mark, mark.strong && strong <= MOST_LABELS))
  const counts = html("p", "counts")
  for (const [kind, number] of shown) counts.append(html("span", kind, `${SIGNS[kind]} ${counted(kind, number)}`.trim()))
  if (cell.note) counts.append(html("span", "note", cell.note))
  box.append(svg, counts)
  return { box, svg }
}

// One view box for all columns of an image: what is enlarged in one is enlarged in all, in the large view, too.
function joinViews(row, svgs, buttons, kept) {
  const whole = { x: 0, y: 0, width: row.width, height: row.height }
  const now = () => kept.views.get(row.key) ?? whole
  const change = (next) => {
    const width = Math.min(row.width, Math.max(row.width / 40, next.width))
    const height = (width * row.height) / row.width
    const x = Math.min(Math.max(next.x, 0), row.width - width)
    const y = Math.min(Math.max(next.y, 0), row.height - height)
    kept.views.set(row.key, { x, y, width, height })
    kept.shows.forEach((show) => show())
  }
  const show = () => {
    const view = now()
    for (const svg of svgs) {
      svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`)
      svg.style.setProperty("--unit", `${view.width / Math.max(svg.clientWidth, 1)}px`)
      svg.classList.toggle("near", view.width < row.width)
      svg.classList.toggle("roomy", (svg.clientWidth * row.width) / view.width >= ROOMY)
    }
    buttons.whole.disabled = buttons.less.disabled = view.width >= row.width
  }
  const zoom = (factor, across = 0.5, down = 0.5) => {
    const view = now()
    const width = Math.min(row.width, view.width / factor)
    change({ x: view.x + (view.width - width) * across, y: view.y + (view.height - width * (row.height / row.width)) * down, width })
  }
  const move = (across, down) => {
    const view = now()
    change({ x: view.x + view.width * across, y: view.y + view.height * down, width: view.width })
  }
  buttons.more.onclick = () => zoom(STEP)
  buttons.less.onclick = () => zoom(1 / STEP)
  buttons.whole.onclick = () => change(whole)
  const keys = {
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: () => change(whole),
    ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
  }
  const isNear = () => now().width < row.width
  for (const svg of svgs) letZoom(svg, { zoom, move, isNear })
  return {
    show,
    onKey: (event) => {
      const act = keys[event.key]
      if (!act || (event.key.startsWith("Arrow") && !isNear())) return
      event.preventDefault()
      event.stopPropagation()
      act()
    },
  }
}

function letZoom(svg, { zoom, move, isNear }) {
  const place = (event) => {
    const frame = svg.getBoundingClientRect()
    return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height]
  }
  svg.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, ...place(event))
  }
  svg.ondblclick = (event) => zoom(2, ...place(event))
  let held = null
  svg.onpointerdown = (event) => {
    svg.dataset.moved = ""
    if (!isNear()) return
    held = [event.clientX, event.clientY]
    svg.setPointerCapture(event.pointerId)
  }
  svg.onpointermove = (event) => {
    if (!held) return
    const frame = svg.getBoundingClientRect()
    const [x, y] = held
    if (Math.hypot(x - event.clientX, y - event.clientY) > 2) svg.dataset.moved = "yes" // it was no click
    held = [event.clientX, event.clientY]
    move((x - event.clientX) / frame.width, (y - event.clientY) / frame.height)
  }
  svg.onpointerup = svg.onpointercancel = () => (held = null)
}

function button(text, label) {
  const made = html("button", "", text)
  made.type = "button"
  made.title = label
  made.setAttribute("aria-label", label)
  return made
}

const zoomButtons = () => ({ less: button("−", _("Smaller")), more: button("+", _("Larger")), whole: button(_("Whole image"), _("Whole image")) })

function drawRow(row, columns, kept, enlarge) {
  const buttons = zoomButtons()
  const large = button(_("Large view"), _("Large view"))
  large.onclick = () => enlarge(row, 0)
  const size = html("span", "size", `${row.width} × ${row.height} px`)
  const head = html("div", "head", html("strong", "", row.name), size)
  if (!row.source) head.append(html("span", "warning", _("The image cannot be fetched, only what was found on it is drawn.")))
  head.append(html("span", "space"), buttons.less, buttons.more, buttons.whole, large)
  const cells = html("div", "cells")
  const svgs = []
  row.cells.forEach((cell, index) => {
    const { box, svg } = drawCell(row, cell, columns[index])
    box.prepend(columnName(columns[index]))
    cells.append(box)
    if (!svg) return
    svgs.push(svg)
    svg.onclick = () => svg.dataset.moved || enlarge(row, index)
  })
  const part = html("section", "row", head, cells)
  const view = joinViews(row, svgs, buttons, kept)
  svgs.forEach((svg, index) => {
    svg.onkeydown = (event) => (event.key === "Enter" ? svg.onclick() : view.onKey(event))
  })
  return { part, show: view.show }
}

// One of many images: a small picture with its name, which opens the large view.
function drawCard(row, column, kept, enlarge) {
  const { box, svg } = drawCell(row, row.cells[0], column)
  const name = html("p", "file", row.name)
  name.title = row.name
  svg.onclick = () => enlarge(row, 0)
  svg.onkeydown = (event) => {
    if (event.key === "Enter") enlarge(row, 0) // a handler that gave false would keep Tab from leading on
  }
  const part = html("section", "card", box, name)
  const show = () => {
    svg.setAttribute("viewBox", `0 0 ${row.width} ${row.height}`)
    svg.style.setProperty("--unit", `${row.width / Math.max(svg.clientWidth, 1)}px`)
  }
  return { part, show }
}

// One picture as large as the window. Another column comes to the same place, so that differences catch the eye.
function largeView(root, data, kept, tell) {
  const dialog = html("dialog", "large")
  dialog.tabIndex = -1
  root.append(dialog)
  let row = null
  let column = 0
  let shown = null
  const draw = () => {
    kept.shows.delete(shown)
    const buttons = zoomButtons()
    const close = button(_("Close"), _("Close"))
    close.onclick = () => dialog.close()
    const tabs = html("div", "tabs")
    const several = data.columns.length > 1
    if (several) data.columns.forEach((one, index) => {
      const tab = html("button", index === column ? "tab chosen" : "tab", columnName(one))
      tab.type = "button"
      tab.setAttribute("aria-pressed", String(index === column))
      tab.onclick = () => go(index)
      tabs.append(tab)
    })
    const place = data.rows.indexOf(row)
    const head = html("div", "head", html("strong", "", row.name), html("span", "size", `${row.width} × ${row.height} px`))
    if (data.grid) {
      const [back, next] = [button(_("Previous"), _("Previous image")), button(_("Next"), _("Next image"))]
      back.disabled = data.grid.first + place === 1
      next.disabled = data.grid.first + place === data.grid.total
      back.onclick = () => step(-1)
      next.onclick = () => step(1)
      head.append(html("span", "size", _("{place} of {total}", { place: data.grid.first + place, total: data.grid.total })), html("span", "space"), back, next)
      if (row.large === undefined) tell.wanted(row.key)
    } else head.append(html("span", "space"))
    head.append(buttons.less, buttons.more, buttons.whole, close)
    const { box, svg } = drawCell(row, row.cells[column], data.columns[column], row.large || row.source)
    const hint = several
      ? _("← → other column · ↑ ↓ other image · + − or double click to zoom · drag to move · Esc closes")
      : _("← → other image · + − or double click to zoom · drag to move · Esc closes")
    dialog.replaceChildren(head, tabs, box, html("p", "hint", hint))
    kept.open = { key: row.key, column }
    if (svg) svg.style.width = `min(100%, calc((100vh - 190px) * ${row.width / row.height}))`
    const view = joinViews(row, svg ? [svg] : [], buttons, kept)
    shown = view.show
    kept.shows.add(shown)
    dialog.onkeydown = (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
      if (event.key !== "Tab") event.stopPropagation() // neither the page nor a dialog around it hears of it
      if (!move) return view.onKey(event)
      if (!several && svg?.classList.contains("near")) return view.onKey(event) // enlarged: arrows move the picture
      event.preventDefault()
      if (!several) return step(move[0] || move[1])
      const next = data.rows[data.rows.indexOf(row) + move[1]]
      if (next) row = next
      go(Math.min(Math.max(column + move[0], 0), data.columns.length - 1))
    }
    shown()
  }
  // To the next image, on the next page too.
  const step = (by) => {
    const place = data.rows.indexOf(row) + by
    if (data.rows[place]) row = data.rows[place]
    else if (data.grid && data.grid.first + place >= 1 && data.grid.first + place <= data.grid.total) {
      if (!kept.turned) tell.turn(by) // the page is on its way: it turns once, however often the key is pressed
      kept.turned ||= by
      return
    }
    go(column)
  }
  const go = (index) => {
    column = index
    draw()
    ;(dialog.querySelector("svg") ?? dialog).focus()
  }
  dialog.onkeyup = (event) => event.stopPropagation()
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close()
  }
  dialog.onclose = () => {
    kept.open = null
    kept.shows.delete(shown)
  }
  return (of, index) => {
    row = of
    dialog.showModal()
    go(index)
  }
}

function columnName(column) {
  const name = html("p", "column")
  if (column.glyph) {
    const sign = html("span", `sign ${column.line}`, column.glyph)
    sign.style.setProperty("--color", column.color)
    sign.setAttribute("aria-hidden", "true")
    name.append(sign)
  }
  name.append(html("span", "name", column.title))
  name.title = column.help
  if (column.note) name.append(html("small", "", column.note))
  return name
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const kept = memory.get(parentElement) ?? { text: "", views: new Map(), shows: new Set(), observer: null }
  memory.set(parentElement, kept)
  const text = JSON.stringify(data)
  if (text === kept.text) return
  kept.text = text
  kept.observer?.disconnect()
  const root = parentElement.querySelector(".gallery")
  root.style.setProperty("--columns", data.columns.length)
  root.replaceChildren()
  root.classList.toggle("grid", Boolean(data.grid))
  const tell = { wanted: (key) => setStateValue("wanted", key), turn: (by) => setTriggerValue("turn", by) }
  const { open, turned } = kept
  const enlarge = largeView(root, data, kept, tell)
  const draw = (row) => (data.grid ? drawCard(row, data.columns[0], kept, enlarge) : drawRow(row, data.columns, kept, enlarge))
  const rows = data.rows.map(draw)
  root.prepend(...rows.map((row) => row.part))
  kept.shows = new Set(rows.map((row) => row.show))
  // What was open stays open: a larger picture has come, or another page of images.
  const again = open && (data.rows.find((row) => row.key === open.key) ?? (turned ? data.rows.at(turned > 0 ? 0 : -1) : null))
  kept.turned = 0
  if (again) enlarge(again, open.column)
  const showAll = () => kept.shows.forEach((show) => show())
  showAll()
  kept.observer = new ResizeObserver(showAll)
  kept.observer.observe(root)
}
