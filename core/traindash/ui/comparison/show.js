// The steps one at a time, over the whole window. The deck hangs on the body: nothing of the page can lie above it,
// and it can be printed alone.
const NEXT = ["ArrowRight", "ArrowDown", "PageDown", "Enter", " "]
const BACK = ["ArrowLeft", "ArrowUp", "PageUp"]
let open = null

class Deck {
  constructor(leave) {
    this.leave = leave
    this.now = 0
    this.root = document.createElement("div")
    this.root.className = "sh-deck"
    this.root.setAttribute("role", "region")
    this.root.setAttribute("aria-label", "Presentation")
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
    this.back = button("Back", () => this.go(this.now - 1))
    this.next = button("Next", () => this.go(this.now + 1))
    this.dots = document.createElement("div")
    this.dots.className = "sh-dots"
    this.spoken = document.createElement("span")
    this.spoken.className = "sh-count"
    this.spoken.setAttribute("aria-live", "polite")
    low.append(button("Leave", () => this.leave()), this.spoken, this.dots, this.back, this.next)
    this.style = document.createElement("style")
    this.pressed = (event) => this.press(event)
    document.addEventListener("keydown", this.pressed, true)
    document.head.append(this.style)
    document.body.append(this.root)
  }

  part(name, className) {
    const node = document.createElement(name)
    node.className = className
    this.root.append(node)
    return node
  }

  // The HTML was made by the server, which has escaped every name in it.
  fill({ html, style, scheme }) {
    this.root.style.colorScheme = scheme
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
        dot.setAttribute("aria-label", `Step ${place + 1}: ${dot.title}`)
        dot.addEventListener("click", () => this.go(place))
        return dot
      }),
    )
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
    this.spoken.textContent = `${this.now + 1} of ${this.slides.length}`
    history.replaceState(history.state, "", `${location.pathname}${location.search}#${this.now + 1}`)
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const onButton = event.target.closest?.("button") && (event.key === "Enter" || event.key === " ")
    if (onButton) return
    if (NEXT.includes(event.key)) this.go(this.now + 1)
    else if (BACK.includes(event.key)) this.go(this.now - 1)
    else if (event.key === "Home") this.go(0)
    else if (event.key === "End") this.go(this.slides.length - 1)
    else if (event.key === "Escape") this.leave()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  close() {
    document.removeEventListener("keydown", this.pressed, true)
    this.root.remove()
    this.style.remove()
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const leave = () => setTriggerValue("leave", true)
  open ??= new Deck(leave)
  open.leave = leave
  const host = parentElement.host ?? parentElement
  const dark = getComputedStyle(host).colorScheme.includes("dark")
  open.fill({ html: data.html, style: data.style, scheme: dark ? "dark" : "light" })
  return () => {
    open?.close()
    open = null
  }
}
