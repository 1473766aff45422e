// The steps one at a time, over the whole window. The deck hangs on the body: nothing of the page can lie above it,
// and it can be printed alone.
const NEXT = ["ArrowRight", "ArrowDown", "PageDown", "Enter", " "]
const BACK = ["ArrowLeft", "ArrowUp", "PageUp"]
const LARGEST = 1.5
const SMALLEST = 0.4
const STEP = 0.05
let open = null

// Whether nothing of a step is cut or squeezed: no part is larger than its room, and a picture keeps a good part of it.
function fits(slide) {
  const whole = [slide, ...slide.querySelectorAll(".sh-body, .sh-words, .sh-show")]
  const image = slide.querySelector("img")
  return (
    whole.every((part) => part.scrollHeight <= part.clientHeight + 1 && part.scrollWidth <= part.clientWidth + 1) &&
    (!image || image.clientHeight >= 0.45 * slide.querySelector(".sh-show").clientHeight)
  )
}

class Deck {
  constructor(leave) {
    this.leave = leave
    this.now = 0
    this.root = document.createElement("div")
    this.root.className = "sh-deck"
    this.root.setAttribute("role", "region")
    this.root.setAttribute("aria-label", _("Presentation"))
    this.stage = this.part("div", "sh-stage")
    const low = this.part("div", "sh-bar-low")
    const button = (text, action) => {
      const key = document.createElement("button")
      key.type = "button"
      key.className = "sh-key"
      key.textContent = text
      key.addEventListener("click", action)
      return key
    }
    this.back = button(_("Back"), () => this.go(this.now - 1))
    this.next = button(_("Next"), () => this.go(this.now + 1))
    this.dots = document.createElement("div")
    this.dots.className = "sh-dots"
    this.spoken = document.createElement("span")
    this.spoken.className = "sh-count"
    this.spoken.setAttribute("aria-live", "polite")
    const notes = button(_("Notes"), () => this.notes(notes))
    notes.setAttribute("aria-pressed", "false")
    this.notesKey = notes
    // A dark room or a bright one: Streamlit's own choice of a look is out of reach under the deck.
    this.lookKey = button(_("Dark"), () => this.turnLook())
    const pdf = button("PDF", () => print())
    pdf.title = _("Prints all steps; choose “Save as PDF”")
    this.trying = button(_("Try on your own picture"), () => this.try())
    low.append(
      ...[button(_("Leave"), () => this.leave()), this.trying, notes, this.lookKey, pdf],
      ...[this.spoken, this.dots, this.back, this.next],
    )
    this.style = document.createElement("style")
    this.sized = new ResizeObserver(() => this.fit())
    this.pressed = (event) => this.press(event)
    document.addEventListener("keydown", this.pressed, true)
    // A page of paper has a shape of its own: what fits this window may be cut there.
    this.toPaper = () => this.onPaper(true)
    this.fromPaper = () => this.onPaper(false)
    addEventListener("beforeprint", this.toPaper)
    addEventListener("afterprint", this.fromPaper)
    document.head.append(this.style)
    document.body.append(this.root)
    this.sized.observe(this.stage)
    document.fonts?.ready.then(() => this.fit())
  }

  turnLook(scheme = this.root.style.colorScheme === "dark" ? "light" : "dark") {
    this.root.style.colorScheme = scheme
    this.lookKey.textContent = scheme === "dark" ? _("Light") : _("Dark")
  }

  notes(key) {
    const shown = this.root.classList.toggle("sh-with-notes")
    key.setAttribute("aria-pressed", String(shown))
    this.fit()
  }

  onPaper(printing) {
    this.root.classList.toggle("sh-paper", printing)
    this.fit()
  }

  // Letters as large as they fit: a step fills the screen, and none of its sentences is cut, on any screen.
  fit() {
    for (const slide of this.slides ?? []) {
      slide.classList.add("sh-measured")
      let scale = LARGEST
      for (; scale > SMALLEST; scale -= STEP) {
        slide.style.setProperty("--sh-fit", scale.toFixed(2))
        if (fits(slide)) break
      }
      slide.classList.remove("sh-measured")
    }
  }

  part(name, className) {
    const node = document.createElement(name)
    node.className = className
    this.root.append(node)
    return node
  }

  // The HTML was made by the server, which has escaped every name in it.
  fill({ html, style, scheme, language }) {
    this.stage.lang = language
    if (this.given !== scheme) this.turnLook((this.given = scheme)) // what was turned here stays until the page turns
    this.style.textContent = style
    if (this.html === html) return
    this.html = html
    this.stage.innerHTML = html
    this.slides = [...this.stage.querySelectorAll(".sh-slide")]
    this.dots.replaceChildren(
      ...this.slides.map((slide, place) => {
        const dot = document.createElement("button")
        dot.type = "button"
        dot.title = slide.querySelector(".sh-step").textContent
        dot.setAttribute("aria-label", _("Step {number}: {name}", { number: place + 1, name: dot.title }))
        dot.addEventListener("click", () => this.go(place))
        return dot
      }),
    )
    this.fit()
    for (const image of this.stage.querySelectorAll("img")) image.decode().then(() => this.fit(), () => null)
    this.go(Number(location.hash.slice(1)) - 1 || this.now)
  }

  go(place) {
    this.now = Math.max(0, Math.min(this.slides.length - 1, place))
    this.slides.forEach((slide, index) => slide.classList.toggle("sh-now", index === this.now))
    ;[...this.dots.children].forEach((dot, index) =>
      index === this.now ? dot.setAttribute("aria-current", "step") : dot.removeAttribute("aria-current"),
    )
    this.back.disabled = this.now === 0
    this.next.disabled = this.now === this.slides.length - 1
    this.spoken.textContent = _("{number} of {total}", { number: this.now + 1, total: this.slides.length })
    history.replaceState(history.state, "", `${location.pathname}${location.search}#${this.now + 1}`)
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.composedPath().some((node) => node.localName === "dialog")) return // what lies above has its own keys
    const onButton = event.target.closest?.("button") && (event.key === "Enter" || event.key === " ")
    if (onButton) return
    if (NEXT.includes(event.key)) this.go(this.now + 1)
    else if (BACK.includes(event.key)) this.go(this.now - 1)
    else if (event.key === "Home") this.go(0)
    else if (event.key === "End") this.go(this.slides.length - 1)
    else if (event.key === "Escape") this.leave()
    else if (event.key === "n") this.notes(this.notesKey)
    else if (event.key === "d") this.turnLook()
    else if (event.key === "t" && !this.trying.hidden) this.try()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  close() {
    document.removeEventListener("keydown", this.pressed, true)
    removeEventListener("beforeprint", this.toPaper)
    removeEventListener("afterprint", this.fromPaper)
    this.sized.disconnect()
    this.root.remove()
    this.style.remove()
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const leave = () => setTriggerValue("leave", true)
  open ??= new Deck(leave)
  open.leave = leave
  open.try = () => setTriggerValue("tried", true)
  open.trying.hidden = !data.tries
  const host = parentElement.host ?? parentElement
  const dark = getComputedStyle(host).colorScheme.includes("dark")
  open.fill({ html: data.html, style: data.style, scheme: dark ? "dark" : "light", language: data.language })
  return () => {
    if (parentElement.isConnected) return // newer data came before this was begun (Streamlit 1.67)
    open?.close()
    open = null
  }
}
