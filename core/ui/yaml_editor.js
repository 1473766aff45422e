const PAUSE_MS = 450
const TOKENS = /(#.*$)|("(?:[^"\\]|\\.)*"|'[^']*')|\b(true|false|null|yes|no|on|off)\b|([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])/gi
const KINDS = ["comment", "string", "word", "number"]
const memory = new WeakMap()

const span = (kind, text) => {
  const part = document.createElement("span")
  part.className = kind
  part.textContent = text
  return part
}

function colorLine(text) {
  const line = span("line", "")
  const head = /^(\s*(?:- )?)([^\s#:"'][^:#]*?)(?=\s*:(?:\s|$))/.exec(text)
  let at = 0
  if (head) {
    line.append(head[1], span("key", head[2]))
    at = head[0].length
  }
  TOKENS.lastIndex = at
  for (let hit = TOKENS.exec(text); hit; hit = TOKENS.exec(text)) {
    const kind = hit.slice(1).findIndex((group) => group !== undefined)
    const glued = kind !== 1 && hit.index > 0 && /[^\s:[\]{},-]/.test(text[hit.index - 1])
    line.append(text.slice(at, hit.index), glued ? hit[0] : span(KINDS[kind], hit[0]))
    at = hit.index + hit[0].length
  }
  line.append(text.slice(at))
  return line
}

export default function ({ data, parentElement, setStateValue }) {
  const find = (name) => parentElement.querySelector(name)
  const [label, box, numbers, colored, field] = [".name", ".box", ".numbers", ".colored", "textarea"].map(find)
  const kept = memory.get(parentElement) ?? { sent: null, timer: 0, leaving: false }
  memory.set(parentElement, kept)

  const paint = () => {
    const lines = field.value.split("\n")
    colored.replaceChildren(...lines.map(colorLine))
    numbers.replaceChildren(...lines.map((_, index) => span("line", String(index + 1))))
    for (const list of [colored, numbers]) list.children[data.errorLine - 1]?.classList.add("wrong")
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
    clearTimeout(kept.timer)
    kept.timer = setTimeout(send, PAUSE_MS)
  }

  label.textContent = data.label
  box.style.height = `${data.rows * 20 + 18}px`
  field.setAttribute("aria-invalid", String(data.errorLine > 0))
  // The echo of what was sent last must not undo what was typed since; anything else is a text set elsewhere.
  if (data.text !== kept.sent) {
    clearTimeout(kept.timer)
    kept.sent = data.text
    if (field.value !== data.text) field.value = data.text
  }
  field.oninput = edited
  field.onscroll = () => {
    colored.style.transform = `translate(${-field.scrollLeft}px, ${-field.scrollTop}px)`
    numbers.style.transform = `translateY(${-field.scrollTop}px)`
  }
  field.onblur = () => kept.timer && send()
  field.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      event.stopPropagation()
      send()
    } else if (event.key === "Tab" && !event.shiftKey && !kept.leaving) {
      event.preventDefault()
      field.setRangeText("  ", field.selectionStart, field.selectionEnd, "end")
      edited()
    }
    if (!["Shift", "Control", "Alt"].includes(event.key)) kept.leaving = event.key === "Escape"
  }
  paint()
  return () => clearTimeout(kept.timer)
}
