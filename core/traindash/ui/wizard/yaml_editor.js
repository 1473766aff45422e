const PAUSE_MS = 450
const LINE_PX = 20
const MOST_SHOWN = 8
const TOKENS = /(#.*$)|("(?:[^"\\]|\\.)*"|'[^']*')|\b(true|false|null|yes|no|on|off)\b|([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])/gi
const KINDS = ["comment", "string", "word", "number"]
const memory = new WeakMap()

const make = (tag, kind, text) => {
  const part = document.createElement(tag)
  part.className = kind
  part.textContent = text
  return part
}

function colorLine(text) {
  const line = make("span", "line", "")
  const head = /^(\s*(?:- )?)([^\s#:"'][^:#]*?)(?=\s*:(?:\s|$))/.exec(text)
  let at = 0
  if (head) {
    line.append(head[1], make("span", "key", head[2]))
    at = head[0].length
  }
  TOKENS.lastIndex = at
  for (let hit = TOKENS.exec(text); hit; hit = TOKENS.exec(text)) {
    const kind = hit.slice(1).findIndex((group) => group !== undefined)
    const glued = kind !== 1 && hit.index > 0 && /[^\s:[\]{},-]/.test(text[hit.index - 1])
    line.append(text.slice(at, hit.index), glued ? hit[0] : make("span", KINDS[kind], hit[0]))
    at = hit.index + hit[0].length
  }
  line.append(text.slice(at))
  return line
}

/** Name → value as written, of the keys at the outermost level. */
function keysIn(text) {
  const found = new Map()
  for (const line of text.split("\n")) {
    const hit = /^([A-Za-z_]\w*)\s*:\s*(.*?)\s*(?:#.*)?$/.exec(line)
    if (hit) found.set(hit[1], hit[2])
  }
  return found
}

/** The reference beside the editor: what each key means, what it may be, a click brings it into the text. */
function drawReference(panel, data, field, bring) {
  panel.hidden = data.reference.length === 0
  const search = panel.querySelector("input")
  const list = panel.querySelector(".entries")
  // One stop for Tab, arrows inside: a stop for each entry would put a hundred of them between the text and Next.
  const stopAt = (row) => list.querySelectorAll(".entry").forEach((entry) => (entry.tabIndex = entry === row ? 0 : -1))
  const redraw = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const used = keysIn(field.value)
    const fits = (item) => {
      const all = `${item.name} ${item.group} ${item.meaning}`.toLowerCase()
      return words.every((word) => all.includes(word))
    }
    const rows = []
    let group = ""
    for (const item of data.reference.filter(fits)) {
      if (item.group !== group) rows.push(make("h4", "group", (group = item.group)))
      const row = make("button", "entry", "")
      row.type = "button"
      row.title = used.has(item.name) ? "Go to its line" : "Add it to the text"
      const first = make("span", "first", "")
      first.append(make("span", "name", item.name))
      if (used.has(item.name)) {
        const mark = make("span", data.changed.includes(item.name) ? "here changed" : "here", used.get(item.name) || "empty")
        if (data.changed.includes(item.name)) mark.title = "Changed from default"
        first.append(mark)
      }
      row.append(first, make("span", "meaning", item.meaning), make("span", "expected", item.expected))
      row.onclick = () => bring(item)
      row.onfocus = () => stopAt(row)
      rows.push(row)
    }
    if (!rows.length) rows.push(make("p", "nothing", "No key fits the search."))
    list.replaceChildren(...rows)
    stopAt(list.querySelector(".entry"))
  }
  list.onkeydown = (event) => {
    const rows = [...list.querySelectorAll(".entry")]
    const at = rows.indexOf(event.target)
    const goal = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
    if (goal === undefined) return
    event.preventDefault()
    rows[Math.max(0, Math.min(goal, rows.length - 1))]?.focus()
  }
  search.oninput = redraw
  redraw()
  return redraw
}

/** What could be meant at the caret: names at the start of a line, values after a name. */
function proposals(field, reference) {
  if (field.selectionStart !== field.selectionEnd) return null
  const at = field.selectionStart
  const before = field.value.slice(field.value.lastIndexOf("\n", at - 1) + 1, at)
  const after = field.value.slice(at).split("\n", 1)[0]
  if (after.trim() && !after.trim().startsWith("#")) return null
  const name = /^([A-Za-z_]\w*)$/.exec(before)
  if (name) {
    const used = keysIn(field.value)
    const starts = reference.filter((item) => item.name.startsWith(name[1]) && !used.has(item.name))
    const inside = reference.filter((item) => item.name.includes(name[1]) && !starts.includes(item) && !used.has(item.name))
    const items = [...starts, ...inside].slice(0, MOST_SHOWN)
    return { from: at - name[1].length, items: items.map((item) => ({ text: item.name, note: item.meaning, item })) }
  }
  const value = /^([A-Za-z_]\w*)\s*:\s+(\S*)$/.exec(before)
  const item = value && reference.find((entry) => entry.name === value[1])
  if (!item) return null
  const items = item.choices.filter((text) => text.toLowerCase().startsWith(value[2].toLowerCase()) && text !== value[2])
  return { from: at - value[2].length, items: items.map((text) => ({ text, note: "" })) }
}

export default function ({ data, parentElement, setStateValue }) {
  const find = (name) => parentElement.querySelector(name)
  const names = [".name", ".box", ".numbers", ".colored", "textarea", ".popup", ".reference"]
  const [label, box, numbers, colored, field, popup, panel] = names.map(find)
  const kept = memory.get(parentElement) ?? { sent: null, timer: 0, leaving: false, visited: false }
  memory.set(parentElement, kept)
  let offered = null
  let chosen = kept.chosen ?? 0
  let redrawReference = () => {}

  const paint = () => {
    const lines = field.value.split("\n")
    colored.replaceChildren(...lines.map(colorLine))
    numbers.replaceChildren(...lines.map((_, index) => make("span", "line", String(index + 1))))
    for (const [kind, marked] of Object.entries(data.lines)) {
      for (const list of [colored, numbers]) for (const line of marked) list.children[line - 1]?.classList.add(kind)
    }
    for (const line of data.lines.changed) if (numbers.children[line - 1]) numbers.children[line - 1].title = "Changed from default"
  }
  const send = () => {
    clearTimeout(kept.timer)
    kept.timer = 0
    if (field.value === kept.sent) return
    kept.sent = field.value
    setStateValue("text", field.value)
  }
  const edited = () => {
    paint()
    redrawReference()
    clearTimeout(kept.timer)
    kept.timer = setTimeout(send, PAUSE_MS)
  }
  const close = () => {
    offered = null
    popup.hidden = true
    field.removeAttribute("aria-activedescendant")
  }
  const mark = () => {
    kept.chosen = chosen
    ;[...popup.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === chosen)))
    field.setAttribute("aria-activedescendant", `proposal-${chosen}`)
    popup.children[chosen]?.scrollIntoView({ block: "nearest" })
  }
  const select = (from, to) => {
    field.focus()
    field.setSelectionRange(from, to)
    const line = field.value.slice(0, from).split("\n").length - 1
    const top = line * LINE_PX
    if (top < field.scrollTop || top > field.scrollTop + field.clientHeight - 2 * LINE_PX) field.scrollTop = Math.max(0, top - 4 * LINE_PX)
  }
  const write = (item, from, to) => {
    const line = `${item.name}: ${item.value}`
    field.setRangeText(line, from, to, "end")
    edited()
    select(from + item.name.length + 2, from + line.length)
  }
  const bring = (item) => {
    const hit = new RegExp(`^${item.name}\\s*:[ \\t]*`, "m").exec(field.value)
    if (hit) {
      const start = hit.index + hit[0].length
      const rest = /^[^#\n]*/.exec(field.value.slice(start))[0].trimEnd()
      return select(start, start + rest.length)
    }
    const text = field.value
    const at = kept.visited ? field.selectionStart : text.trimEnd().length
    const start = text.lastIndexOf("\n", at - 1) + 1
    const end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at)
    if (!text.slice(start, end).trim()) return write(item, start, end)
    field.setRangeText("\n", end, end, "end")
    write(item, end + 1, end + 1)
  }
  const accept = (index) => {
    const { from, items } = offered
    const { text, item } = items[index]
    close()
    if (item) return write(item, from, field.selectionStart)
    field.setRangeText(text, from, field.selectionStart, "end")
    edited()
  }
  const propose = (at = 0) => {
    offered = proposals(field, data.reference)
    if (!offered?.items.length) return close()
    chosen = Math.min(at, offered.items.length - 1)
    popup.replaceChildren(
      ...offered.items.map(({ text, note }, index) => {
        const row = make("div", "proposal", "")
        row.id = `proposal-${index}`
        row.setAttribute("role", "option")
        row.append(make("span", "name", text), make("span", "note", note))
        row.onmousedown = (event) => {
          event.preventDefault()
          accept(index)
        }
        return row
      }),
    )
    const before = field.value.slice(0, offered.from).split("\n")
    const ruler = colored.appendChild(make("span", "ruler", "x".repeat(100)))
    const wide = ruler.getBoundingClientRect().width / 100
    ruler.remove()
    popup.style.top = `${box.offsetTop + 10 + before.length * LINE_PX - field.scrollTop}px`
    const left = box.offsetLeft + field.parentElement.offsetLeft + 12 + before.at(-1).length * wide - field.scrollLeft
    popup.style.left = `${Math.max(0, Math.min(left, box.offsetWidth - 320))}px`
    popup.hidden = false
    mark()
  }
  const keyInPopup = (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 }
    const { text, item } = offered.items[chosen]
    const typed = field.value.slice(offered.from, field.selectionStart)
    if (event.key === "Enter" && !item && typed.toLowerCase() === text.toLowerCase()) {
      close() // nothing is left to complete: the person wants the next line
      return false
    }
    if (event.key in moves) {
      chosen = (chosen + moves[event.key] + offered.items.length) % offered.items.length
      mark()
    } else if (event.key === "Enter" || event.key === "Tab") accept(chosen)
    else if (event.key === "Escape") close()
    else return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }

  label.textContent = data.label
  box.style.height = `${data.rows * LINE_PX + 18}px`
  panel.style.maxHeight = `${data.rows * LINE_PX + 50}px`
  field.setAttribute("aria-invalid", String(data.lines.wrong.length > 0))
  // The echo of what was sent last must not undo what was typed since; anything else is a text set elsewhere.
  if (data.text !== kept.sent) {
    clearTimeout(kept.timer)
    kept.sent = data.text
    if (field.value !== data.text) field.value = data.text
  }
  field.oninput = () => {
    edited()
    propose()
  }
  field.onscroll = () => {
    colored.style.transform = `translate(${-field.scrollLeft}px, ${-field.scrollTop}px)`
    numbers.style.transform = `translateY(${-field.scrollTop}px)`
    close()
  }
  field.onfocus = () => (kept.visited = true)
  field.onblur = () => {
    close()
    if (kept.timer) send()
  }
  field.onkeydown = (event) => {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey)
    if (offered && !sends && keyInPopup(event)) return
    if (sends) {
      event.preventDefault()
      event.stopPropagation()
      close()
      send()
    } else if (event.key === "Tab" && !event.shiftKey && !kept.leaving) {
      event.preventDefault()
      field.setRangeText("  ", field.selectionStart, field.selectionEnd, "end")
      edited()
    }
    if (!["Shift", "Control", "Alt"].includes(event.key)) kept.leaving = event.key === "Escape"
  }
  redrawReference = drawReference(panel, data, field, bring)
  paint()
  if (!popup.hidden) propose(chosen) // what was typed came back from the server; the completions stay
  return () => clearTimeout(kept.timer)
}
