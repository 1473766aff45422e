const NS = "http://www.w3.org/2000/svg"
const SIGNS = { truth: "", found: "✓", missed: "○", false_alarm: "✕" }
const WORDS = { truth: "objects", found: "found", missed: "missed", false_alarm: "false alarms" }
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
  if (mark.path) return node("path", { d: mark.path, "fill-rule": "evenodd", class: `${className} mask` })
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

function drawCell(row, cell, column) {
  const box = html("div", "cell")
  if (!cell.measured) {
    box.append(html("p", "unmeasured", "Not measured on this image"))
    return { box, svg: null }
  }
  const shown = Object.entries(cell.counts).filter(([kind]) => (column.truth ? kind === "truth" : kind !== "truth"))
  const told = shown.map(([kind, number]) => `${number} ${WORDS[kind]}`).join(", ")
  const svg = node("svg", { role: "img", tabindex: "0", "aria-label": `${row.name}, ${column.title}: ${told}` })
  svg.append(
    row.source
      ? node("image", { href: row.source, width: row.width, height: row.height, preserveAspectRatio: "none" })
      : node("rect", { class: "nothing", width: row.width, height: row.height }),
  )
  const strong = cell.marks.filter((mark) => mark.strong).length
  for (const mark of cell.marks) svg.append(drawMark(mark, mark.strong && strong <= MOST_LABELS))
  const counts = html("p", "counts")
  for (const [kind, number] of shown) counts.append(html("span", kind, `${SIGNS[kind]} ${number} ${WORDS[kind]}`.trim()))
  box.append(svg, counts)
  return { box, svg }
}

// One view box for all columns of an image: what is enlarged in one is enlarged in all.
function joinViews(row, svgs, buttons, kept) {
  const whole = { x: 0, y: 0, width: row.width, height: row.height }
  let view = kept.get(row.key) ?? { ...whole }
  const show = () => {
    view.width = Math.min(view.width, row.width)
    view.height = (view.width * row.height) / row.width
    view.x = Math.min(Math.max(view.x, 0), row.width - view.width)
    view.y = Math.min(Math.max(view.y, 0), row.height - view.height)
    kept.set(row.key, view)
    for (const svg of svgs) {
      svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`)
      svg.style.setProperty("--unit", `${view.width / Math.max(svg.clientWidth, 1)}px`)
      svg.classList.toggle("near", view.width < row.width)
      svg.classList.toggle("roomy", (svg.clientWidth * row.width) / view.width >= ROOMY)
    }
    buttons.whole.disabled = buttons.less.disabled = view.width >= row.width
  }
  const zoom = (factor, across = 0.5, down = 0.5) => {
    const width = Math.min(row.width, Math.max(row.width / 40, view.width / factor))
    const height = (width * row.height) / row.width
    view = { x: view.x + (view.width - width) * across, y: view.y + (view.height - height) * down, width, height }
    show()
  }
  const move = (across, down) => {
    view = { ...view, x: view.x + view.width * across, y: view.y + view.height * down }
    show()
  }
  buttons.more.onclick = () => zoom(STEP)
  buttons.less.onclick = () => zoom(1 / STEP)
  buttons.whole.onclick = () => {
    view = { ...whole }
    show()
  }
  const keys = {
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: () => buttons.whole.onclick(),
    ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1),
  }
  for (const svg of svgs) {
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
    svg.onkeydown = (event) => {
      const act = keys[event.key]
      const arrow = event.key.startsWith("Arrow")
      if (!act || (arrow && view.width >= row.width)) return
      event.preventDefault()
      event.stopPropagation()
      act()
    }
    let held = null
    svg.onpointerdown = (event) => {
      if (view.width >= row.width) return
      held = [event.clientX, event.clientY]
      svg.setPointerCapture(event.pointerId)
    }
    svg.onpointermove = (event) => {
      if (!held) return
      const frame = svg.getBoundingClientRect()
      const [x, y] = held
      held = [event.clientX, event.clientY]
      move((x - event.clientX) / frame.width, (y - event.clientY) / frame.height)
    }
    svg.onpointerup = svg.onpointercancel = () => (held = null)
  }
  show()
  return show
}

function button(text, label) {
  const made = html("button", "", text)
  made.type = "button"
  made.title = label
  made.setAttribute("aria-label", label)
  return made
}

function drawRow(row, columns, kept) {
  const buttons = { less: button("−", "Smaller"), more: button("+", "Larger"), whole: button("Whole image", "Whole image") }
  const size = html("span", "size", `${row.width} × ${row.height} px`)
  const head = html("div", "head", html("strong", "", row.name), size)
  if (!row.source) head.append(html("span", "warning", "The image cannot be fetched, only what was found on it is drawn."))
  head.append(html("span", "space"), buttons.less, buttons.more, buttons.whole)
  const cells = html("div", "cells")
  const svgs = []
  row.cells.forEach((cell, index) => {
    const { box, svg } = drawCell(row, cell, columns[index])
    box.prepend(columnName(columns[index]))
    cells.append(box)
    if (svg) svgs.push(svg)
  })
  const part = html("section", "row", head, cells)
  return { part, start: () => joinViews(row, svgs, buttons, kept) }
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
  name.title = column.title
  if (column.note) name.append(html("small", "", column.note))
  return name
}

export default function ({ data, parentElement }) {
  const kept = memory.get(parentElement) ?? { text: "", views: new Map(), observer: null }
  memory.set(parentElement, kept)
  const text = JSON.stringify(data)
  if (text === kept.text) return
  kept.text = text
  kept.observer?.disconnect()
  const root = parentElement.querySelector(".gallery")
  root.style.setProperty("--columns", data.columns.length)
  const rows = data.rows.map((row) => drawRow(row, data.columns, kept.views))
  root.replaceChildren(...rows.map((row) => row.part))
  const shows = rows.map((row) => row.start())
  kept.observer = new ResizeObserver(() => shows.forEach((show) => show()))
  kept.observer.observe(root)
}
