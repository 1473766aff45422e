const memory = new WeakMap()

const make = (kind, className, ...children) => {
  const made = document.createElement(kind)
  if (className) made.className = className
  made.append(...children)
  return made
}

function line({ glyph, line, color, text, title }) {
  const sign = make("span", `sign ${line}`, glyph)
  sign.style.setProperty("--color", color)
  sign.setAttribute("aria-hidden", "true")
  const row = make("span", "line", sign, make("span", "text", text))
  row.title = title
  return row
}

function drawCrop(crop, choose) {
  const picture = make("img")
  picture.src = crop.source
  picture.alt = crop.alt
  picture.width = crop.width
  picture.height = crop.height
  const dot = make("i")
  dot.style.background = crop.color
  const name = make("span", "name", dot, make("strong", "", crop.class_name))
  const button = make("button", "crop", picture, name, ...crop.lines.map(line), make("span", "file", crop.file))
  button.type = "button"
  button.title = _("Show the whole image")
  button.onclick = choose
  return button
}

export default function ({ data, parentElement, setTriggerValue }) {
  const text = JSON.stringify(data)
  if (memory.get(parentElement) === text) return
  memory.set(parentElement, text)
  const root = parentElement.querySelector(".crops")
  root.replaceChildren(...data.crops.map((crop, index) => drawCrop(crop, () => setTriggerValue("chosen", index))))
}
