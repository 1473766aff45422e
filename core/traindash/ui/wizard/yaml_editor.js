const PAUSE_MS = 450
const LINE_PX = 20
const MOST_SHOWN = 8
const BAR_PX = 64 // the bar at the bottom of the window lies over what is there
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

const KEY = /^(\s*)([A-Za-z_]\w*)\s*:(?:\s+|$)/
const PAIR = /([A-Za-z_]\w*)\s*:\s+([^,{}[\]]*|\[[^\]]*\])(?=[,}])/g

/** Path → {value as written, where it begins, where its line ends, indent} of the keys; groups are keys, too. */
function keysIn(text) {
  const found = new Map()
  const open = [] // groups that the line is in, as [indent, name]
  let at = 0
  for (const line of text.split("\n")) {
    const hit = KEY.exec(line)
    if (hit) {
      const indent = hit[1].length
      while (open.length && open.at(-1)[0] >= indent) open.pop()
      open.push([indent, hit[2]])
      const path = open.map(([, name]) => name).join(".")
      const value = line.slice(hit[0].length).replace(/(^|\s)#.*$/, "").trimEnd()
      found.set(path, { value, from: at + hit[0].length, end: at + line.length, indent })
      if (value.startsWith("{")) {
        for (const pair of value.matchAll(PAIR)) {
          const from = at + hit[0].length + pair.index + pair[0].length - pair[2].length
          found.set(`${path}.${pair[1]}`, { value: pair[2].trimEnd(), from, end: at + line.length, indent: -1 })
        }
      }
    }
    at += line.length + 1
  }
  return found
}

/** The group that a line with this indent belongs to, "" for the outermost level. */
function groupAt(text, lineStart, indent) {
  let deepest = indent
  const names = []
  for (const line of text.slice(0, lineStart).split("\n").slice(0, -1).reverse()) {
    const hit = KEY.exec(line)
    if (!hit || hit[1].length >= deepest) continue
    deepest = hit[1].length
    names.unshift(hit[2])
    if (!deepest) break
  }
  return indent ? names.join(".") : ""
}

/** The reference beside the editor: what each key means, what it may be, a click brings it into the text. */
function drawReference(panel, data, field, bring) {
  panel.hidden = data.reference.length === 0
  const search = panel.querySelector("input")
  panel.querySelector("label").textContent = _("Reference")
  search.placeholder = _("Search name or meaning")
  panel.parentElement.querySelector(".popup").setAttribute("aria-label", _("Completions"))
  panel.parentElement.querySelector(".keys").textContent = _(
    "Changes are saved while you type. Tab indents; Esc, then Tab, leaves the editor.",
  )
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
      if (item.group !== group) rows.push(make("h3", "group", (group = item.group)))
      const row = make("button", "entry", "")
      row.type = "button"
      row.title = used.has(item.name) ? _("Go to its line") : _("Add it to the text")
      const first = make("span", "first", "")
      first.append(make("span", "name", item.name))
      if (used.has(item.name)) {
        const mark = make("span", data.changed.includes(item.name) ? "here changed" : "here", used.get(item.name).value || "empty")
        if (data.changed.includes(item.name)) mark.title = _("Changed from default")
        first.append(mark)
      }
      row.append(first, make("span", "meaning", item.meaning), make("span", "expected", item.expected))
      row.onclick = () => bring(item)
      row.onfocus = () => stopAt(row)
      rows.push(row)
    }
    if (!rows.length) rows.push(make("p", "nothing", _("No key fits the search.")))
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
  const group = (indent) => {
    const path = groupAt(field.value, at - before.length, indent.length)
    return path ? `${path}.` : ""
  }
  const name = /^(\s*)([A-Za-z_]\w*)$/.exec(before)
  if (name) {
    const used = keysIn(field.value)
    const path = group(name[1])
    const here = reference.filter((item) => item.name.startsWith(path) && !used.has(item.name))
    const rest = (item) => item.name.slice(path.length)
    const starts = here.filter((item) => rest(item).startsWith(name[2]))
    const inside = here.filter((item) => rest(item).includes(name[2]) && !starts.includes(item))
    const items = [...starts, ...inside].slice(0, MOST_SHOWN)
    return { from: at - name[2].length, items: items.map((item) => ({ text: rest(item), note: item.meaning, item })) }
  }
  const value = /^(\s*)([A-Za-z_]\w*)\s*:\s+(\S*)$/.exec(before)
  const wanted = value && group(value[1]) + value[2]
  const item = wanted && reference.find((entry) => entry.name === wanted)
  if (!item) return null
  const items = item.choices.filter((text) => text.toLowerCase().startsWith(value[3].toLowerCase()) && text !== value[3])
  return { from: at - value[3].length, items: items.map((text) => ({ text, note: "" })) }
}

export default function ({ data, parentElement, setStateValue }) {
  const find = (name) => parentElement.querySelector(name)
  const names = [".name", ".box", ".numbers", ".colored", "textarea", ".popup", ".reference"]
  const [label, box, numbers, colored, field, popup, panel] = names.map(find)
  const known = memory.get(parentElement)
  const kept = known?.key === data.key ? known : { key: data.key, sent: null, number: data.number, timer: 0, leaving: false, visited: false }
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
    for (const line of data.lines.changed) if (numbers.children[line - 1]) numbers.children[line - 1].title = _("Changed from default")
    lay()
  }
  // Lines wrap as in the text field, which has a scroll bar or not; a number is as high as its line.
  const lay = () => {
    colored.style.width = `${field.clientWidth}px`
    const heights = [...colored.children].map((line) => line.offsetHeight)
    heights.forEach((height, index) => numbers.children[index] && (numbers.children[index].style.height = `${height}px`))
  }
  /** Where a place of the text is: a line of the coloured copy, and the box of its letter, on the screen. */
  const boxOf = (at) => {
    const before = field.value.slice(0, at).split("\n")
    const line = colored.children[before.length - 1]
    const letters = document.createTreeWalker(line, NodeFilter.SHOW_TEXT)
    let left = before.at(-1).length
    for (let node = letters.nextNode(); node; node = letters.nextNode()) {
      if (left <= node.length) {
        const range = document.createRange()
        range.setStart(node, left)
        range.collapse(true)
        const [box] = range.getClientRects()
        if (box) return { line, box }
      }
      left -= node.length
    }
    return { line, box: line.getBoundingClientRect() }
  }
  const send = () => {
    clearTimeout(kept.timer)
    kept.timer = 0
    if (field.value === kept.sent) return
    kept.sent = field.value
    kept.number += 1
    setStateValue("text", { text: field.value, number: kept.number })
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
    const top = boxOf(from).line.offsetTop
    if (top < field.scrollTop || top > field.scrollTop + field.clientHeight - 2 * LINE_PX) field.scrollTop = Math.max(0, top - 4 * LINE_PX)
  }
  /** Writes “a:⏎  b: value” for the names a and b; the line before `from` has the indent already. */
  const write = (names, value, from, to, indent = 0) => {
    const lines = names.map((name, depth) => `${depth ? "\n" + " ".repeat(indent + 2 * depth) : ""}${name}:`)
    const text = `${lines.join("")} ${value}`
    field.setRangeText(text, from, to, "end")
    edited()
    select(from + text.length - value.length, from + text.length)
  }
  /** Adds a key at the end of a group that the text has, in braces or as a block. */
  const addTo = (group, names, value) => {
    const text = field.value
    if (group.value.startsWith("{")) {
      const brace = group.from + group.value.lastIndexOf("}")
      const comma = text.slice(0, brace).trimEnd().endsWith("{") ? "" : ", "
      const inner = `${comma}${names.join(": {")}: ${value}`
      field.setRangeText(inner + "}".repeat(names.length - 1), brace, brace, "end")
      edited()
      return select(brace + inner.length - value.length, brace + inner.length)
    }
    let stop = group.end
    let indent = null
    for (let at = stop + 1; at <= text.length; ) {
      const end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at)
      const line = text.slice(at, end)
      const deep = line.length - line.trimStart().length
      if (line.trim() && !line.trim().startsWith("#")) {
        if (deep <= group.indent) break
        indent ??= deep
        stop = end
      }
      at = end + 1
    }
    indent ??= group.indent + 2
    field.setRangeText("\n" + " ".repeat(indent), stop, stop, "end")
    write(names, value, stop + 1 + indent, stop + 1 + indent, indent)
  }
  const bring = (item) => {
    const text = field.value
    const used = keysIn(text)
    const here = used.get(item.name)
    if (here) return select(here.from, here.from + here.value.length)
    const names = item.name.split(".")
    for (let depth = names.length - 1; depth; depth--) {
      const group = used.get(names.slice(0, depth).join("."))
      if (group && group.indent >= 0 && (!group.value || group.value.startsWith("{"))) return addTo(group, names.slice(depth), item.value)
    }
    const at = kept.visited ? field.selectionStart : text.trimEnd().length
    const start = text.lastIndexOf("\n", at - 1) + 1
    let end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at)
    // Not into the middle of a group, whose further lines would go to the new key.
    const block = /^(?:\n[ \t]*)*\n[ \t]+\S[^\n]*/.exec(text.slice(end)) ? /^(?:\n(?:[ \t][^\n]*)?)+/.exec(text.slice(end))[0].trimEnd() : ""
    end += block.length
    if (!block && !text.slice(start, end).trim()) return write(names, item.value, start, end)
    field.setRangeText("\n", end, end, "end")
    write(names, item.value, end + 1, end + 1)
  }
  const accept = (index) => {
    const { from, items } = offered
    const { text, item } = items[index]
    close()
    if (!item) {
      field.setRangeText(text, from, field.selectionStart, "end")
      return edited()
    }
    const names = text.split(".")
    if (names.length > 1 && keysIn(field.value).has(item.name.slice(0, item.name.length - text.length) + names[0])) {
      field.setRangeText("", from, field.selectionStart, "end") // it belongs into a group that is there
      return bring(item)
    }
    const indent = from - field.value.lastIndexOf("\n", from - 1) - 1
    write(names, item.value, from, field.selectionStart, indent)
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
    const from = boxOf(offered.from).box
    const room = popup.parentElement.getBoundingClientRect()
    popup.style.left = `${Math.max(0, Math.min(from.left - room.left, box.offsetLeft + box.offsetWidth - 320))}px`
    popup.hidden = false
    const below = from.top + LINE_PX + 2
    const isLow = below + popup.offsetHeight > innerHeight - BAR_PX && from.top - popup.offsetHeight > 0
    popup.style.top = `${(isLow ? from.top - popup.offsetHeight - 2 : below) - room.top}px`
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
  // A run that began before the last text was sent knows an older one, and the echo of what was sent last must not undo
  // what was typed since; anything else is a text set elsewhere.
  const isOld = data.number < kept.number
  if (!isOld && data.text !== kept.sent) {
    clearTimeout(kept.timer)
    kept.sent = data.text
    if (field.value !== data.text) field.value = data.text
  }
  if (!isOld) kept.number = data.number
  field.oninput = () => {
    edited()
    propose()
  }
  field.onscroll = () => {
    colored.style.transform = `translateY(${-field.scrollTop}px)`
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
  field.readOnly = false // what was typed before anybody listened would be lost
  paint()
  const sized = new ResizeObserver(lay)
  kept.sized?.disconnect()
  kept.sized = sized
  sized.observe(field)
  if (!popup.hidden) propose(chosen) // what was typed came back from the server; the completions stay
  // Not the timer: this is called also when newer data came before it was begun (Streamlit 1.67), and what was typed last
  // is sent after the editor was left, too.
  return () => sized.disconnect()
}
