// Lines over two axes, drawn as SVG: what small charts on first screens need, without the library of the large ones.
const SVG = "http://www.w3.org/2000/svg"
const TICK_ROOM = 64 // pixels between two ticks of the horizontal axis at least
const ROW_ROOM = 28 // and of the vertical one
const LETTER = 6.6 // width of a digit
const TEXT_HIGH = 16
// Markers in a box of 12 by 12; the names are those of the palette.
const MARKERS = {
  circle: "M6,0a6,6 0 1,0 .01,0z",
  square: "M0,0h12v12h-12z",
  diamond: "M6,0l6,6l-6,6l-6,-6z",
  "triangle-up": "M6,0l6,12h-12z",
  cross: "M4,0h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
  star: "M6,0l1.8,4.2l4.2,.3l-3.2,2.8l1,4.2l-3.8,-2.3l-3.8,2.3l1,-4.2l-3.2,-2.8l4.2,-.3z",
  "triangle-down": "M0,0h12l-6,11z",
  x: "M2,0l4,4l4,-4l2,2l-4,4l4,4l-2,2l-4,-4l-4,4l-2,-2l4,-4l-4,-4z",
  pentagon: "M6,0l6,4.4l-2.3,7.1h-7.4l-2.3,-7.1z",
  hexagon: "M3,0h6l3,5.2l-3,5.2h-6l-3,-5.2z",
}
const LANGUAGE = document.documentElement.lang || "en"
const charts = new WeakMap()

function make(name, attributes, parent) {
  const node = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  parent?.append(node)
  return node
}

// The distance of ticks: 1, 2 or 5 times a power of ten.
function step(span, most, whole) {
  const rough = span / Math.max(most, 1) || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const found = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough * 0.999)
  return whole ? Math.max(1, Math.round(found)) : found
}

// Ends and ticks of an axis: ends that are not fixed are those of the values, moved out to the next tick.
function scale(axis, values, room, each) {
  const known = values.filter(Number.isFinite)
  let low = axis.low ?? Math.min(...known)
  let high = axis.high ?? Math.max(...known)
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1]
  if (low === high) [low, high] = [axis.low ?? low - (Math.abs(low) || 1) / 2, axis.high ?? high + (Math.abs(high) || 1) / 2]
  const by = step(high - low, Math.floor(room / each), axis.whole)
  if (axis.low === null && !axis.whole) low = Math.floor(low / by + 1e-9) * by
  if (axis.high === null && !axis.whole) high = Math.ceil(high / by - 1e-9) * by
  const ticks = []
  for (let at = Math.ceil(low / by - 1e-9); at * by <= high + by * 1e-9; at += 1) ticks.push(at * by || 0) // no −0
  if (axis.whole && ticks[0] !== low) ticks.unshift(low)
  const decimals = Math.max(0, -Math.floor(Math.log10(by) + 1e-9))
  const texts = ticks.map((tick) => tick.toLocaleString(LANGUAGE, { maximumFractionDigits: decimals }).replace("-", "−"))
  return { low, high, ticks, texts, at: (value) => (value - low) / (high - low || 1) }
}

class Chart {
  constructor(root) {
    this.root = root
    this.hidden = new Set()
    this.legend = root.querySelector(".legend")
    this.told = root.querySelector(".told")
    this.svg = root.querySelector("svg")
    this.full = root.querySelector(".full")
    this.full.onclick = () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen())
    this.svg.onpointermove = (event) => this.point(event)
    this.svg.onpointerleave = () => this.point(null)
    this.full.setAttribute("aria-label", _("Full screen"))
    this.legend.setAttribute("aria-label", _("Lines"))
    this.sizes = new ResizeObserver(() => this.draw())
    this.sizes.observe(root)
  }

  take(data) {
    this.data = data
    this.root.style.height = `${data.height}px`
    this.svg.setAttribute("aria-label", data.alt)
    this.drawLegend()
    this.draw()
  }

  drawLegend() {
    const named = this.data.legend ? this.data.lines.filter((line) => line.color.length) : []
    this.legend.hidden = named.length < 2
    this.legend.replaceChildren(
      ...(named.length < 2 ? [] : named).map((line) => {
        const button = document.createElement("button")
        const sign = make("svg", { width: 26, height: 12, viewBox: "0 0 26 12", "aria-hidden": "true" })
        this.drawLine(sign, line, [[0, 6], [26, 6]])
        this.drawMarker(sign, line, 13, 6, 8)
        const name = document.createElement("span")
        name.textContent = line.name
        button.append(sign, name)
        button.setAttribute("aria-pressed", String(!this.hidden.has(line.name)))
        button.onclick = () => {
          this.hidden.has(line.name) ? this.hidden.delete(line.name) : this.hidden.add(line.name)
          this.drawLegend()
          this.draw()
        }
        return button
      }),
    )
  }

  colour(line) {
    return line.color.length ? `light-dark(${line.color[0]}, ${line.color[1]})` : "var(--td-muted)"
  }

  drawLine(parent, line, points) {
    const path = points.map(([x, y], place) => (x === null ? "" : `${place && points[place - 1][0] !== null ? "L" : "M"}${x},${y}`)).join("")
    const node = make("path", { d: path, fill: "none", "stroke-width": line.width, "stroke-dasharray": line.dash.join(" ") }, parent)
    node.style.stroke = this.colour(line)
  }

  drawMarker(parent, line, x, y, size) {
    const scaled = size / 12
    const place = `translate(${x - size / 2},${y - size / 2}) scale(${scaled})`
    make("path", { d: MARKERS[line.marker] ?? MARKERS.circle, transform: place }, parent).style.fill = this.colour(line)
  }

  draw() {
    if (!this.data || !this.root.clientWidth) return
    const lines = this.data.lines.filter((line) => !this.hidden.has(line.name))
    const width = this.svg.clientWidth
    const height = this.root.clientHeight - (this.legend.hidden ? 0 : this.legend.offsetHeight)
    this.svg.replaceChildren()
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
    this.svg.style.height = `${height}px`
    const { x, y } = this.data
    const top = 20
    const bottom = height - 44
    const rows = scale(y, lines.flatMap((line) => line.y), bottom - top, ROW_ROOM)
    const left = 28 + Math.max(0, ...rows.texts.map((text) => text.length)) * LETTER
    const right = width - 16
    const columns = scale(x, lines.flatMap((line) => line.x), right - left, TICK_ROOM)
    this.place = { left, right, top, bottom, columns, rows, lines }
    const across = (value) => left + columns.at(value) * (right - left)
    const down = (value) => bottom - rows.at(value) * (bottom - top)
    this.across = across
    this.down = down
    for (const [place, tick] of rows.ticks.entries()) {
      make("path", { d: `M${left},${down(tick)}H${right}`, class: "grid" }, this.svg)
      this.write(rows.texts[place], left - 8, down(tick) + 4, "end")
    }
    make("path", { d: `M${left},${bottom}H${right}`, class: "grid axis" }, this.svg)
    for (const [place, tick] of columns.ticks.entries()) {
      make("path", { d: `M${across(tick)},${bottom}v5`, class: "grid" }, this.svg)
      this.write(columns.texts[place], across(tick), bottom + 18, "middle")
    }
    this.write(x.title, (left + right) / 2, height - 6, "middle")
    const middle = (top + bottom) / 2
    make("text", { x: 12, y: middle, transform: `rotate(-90 12 ${middle})`, "text-anchor": "middle" }, this.svg).textContent = y.title
    const clip = `clip-${Math.random().toString(36).slice(2)}`
    make("rect", { x: left - 8, y: top - 8, width: right - left + 16, height: bottom - top + 16 }, make("clipPath", { id: clip }, this.svg))
    const inside = make("g", { "clip-path": `url(#${clip})` }, this.svg)
    for (const line of lines) {
      const points = line.x.map((value, place) => (line.y[place] === null ? [null, null] : [across(value), down(line.y[place])]))
      this.drawLine(inside, line, points)
      if (line.points) for (const [one, two] of points) if (one !== null) this.drawMarker(inside, line, one, two, line.size)
      if (line.mark) this.drawMark(line, points[line.mark.at])
    }
    this.pointer = make("g", { class: "pointer" }, this.svg)
  }

  drawMark(line, [x, y]) {
    this.drawMarker(this.svg, line, x, y, Math.max(12, line.size))
    const distance = Math.max(12, line.size) / 2
    const anchor = { left: "start", center: "middle", right: "end" }[line.mark.align]
    const text = this.write(line.mark.text, x, line.mark.below ? y + distance + 14 : y - distance - 5, anchor)
    text.classList.add("mark")
    text.style.fill = this.colour(line)
  }

  write(text, x, y, anchor) {
    const node = make("text", { x, y, "text-anchor": anchor }, this.svg)
    node.textContent = text
    return node
  }

  // The values at the place that is nearest to the pointer.
  point(event) {
    this.pointer?.replaceChildren()
    this.told.hidden = true
    if (!event || !this.place) return
    const { left, right, top, bottom, lines } = this.place
    const box = this.svg.getBoundingClientRect()
    const where = event.clientX - box.left
    if (where < left - 8 || where > right + 8) return
    const places = [...new Set(lines.flatMap((line) => (line.color.length ? line.x : [])))]
    if (!places.length) return
    const nearest = places.reduce((best, one) => (Math.abs(this.across(one) - where) < Math.abs(this.across(best) - where) ? one : best))
    make("path", { d: `M${this.across(nearest)},${top}V${bottom}` }, this.pointer)
    const { x, y } = this.data
    const told = lines.filter((line) => line.color.length && line.x.includes(nearest)).map((line) => [line, line.y[line.x.indexOf(nearest)]])
    const head = document.createElement("b")
    head.textContent = nearest.toLocaleString(LANGUAGE, { maximumFractionDigits: x.decimals ?? 0, minimumFractionDigits: x.decimals ?? 0 })
    const rows = told.map(([line, value]) => {
      if (value !== null) this.drawMarker(this.pointer, line, this.across(nearest), this.down(value), 8)
      const row = document.createElement("div")
      const dot = document.createElement("i")
      dot.style.background = this.colour(line)
      const name = document.createElement("span")
      name.textContent = line.name
      const number = document.createElement("b")
      number.textContent = value === null ? "–" : value.toLocaleString(LANGUAGE, { maximumFractionDigits: y.decimals ?? 0, minimumFractionDigits: y.decimals ?? 0 })
      row.append(dot, name, number)
      return row
    })
    this.told.replaceChildren(head, ...rows)
    this.told.hidden = false
    const room = this.root.clientWidth
    const wide = this.told.offsetWidth
    const start = this.across(nearest) + 12
    this.told.style.left = `${start + wide > room ? Math.max(0, this.across(nearest) - 12 - wide) : start}px`
    this.told.style.top = `${(this.legend.hidden ? 0 : this.legend.offsetHeight) + top}px`
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".lines")
  let chart = charts.get(root)
  if (!chart) charts.set(root, (chart = new Chart(root)))
  chart.take(data)
}
