// What can be found: places, what the page itself offers, and what is recent. One palette for all pages; the button of
// the sidebar, which is another instance of the component, opens the same one.
const SINGLE_KEYS = "traindash-single-keys"
const MAC = /Mac|iPhone|iPad/.test(navigator.platform)
const FIND = MAC ? "⌘ K" : "Ctrl K"
const AFTER_G_MS = 1500
const MOST_SHOWN = 80
const MOST_OFFERED = 8 // of a page, before anything is typed
const NOT_TYPED_INTO = ["button", "checkbox", "color", "file", "radio", "range", "reset", "submit"]
const OFFERS = "button, a[href], summary, [role=tab]"
let palette = null
let opener = null // of the sidebar; pressed in vain before there is a palette

function show(made) {
  palette = made
  if (opener) opener.disabled = !palette
}

const hasSingleKeys = () => localStorage.getItem(SINGLE_KEYS) !== "off"

function isTypedInto(node) {
  if (!(node instanceof Element)) return false
  const name = node.localName
  if (name === "input") return !NOT_TYPED_INTO.includes(node.type)
  return name === "textarea" || name === "select" || node.isContentEditable || node.getAttribute("role") === "combobox"
}

// The words on a control without those of its icon, which are letters of a font.
function wordsOf(node) {
  const copy = node.cloneNode(true)
  for (const icon of copy.querySelectorAll('[data-testid="stIconMaterial"], [aria-hidden="true"], kbd')) icon.remove()
  const text = copy.textContent.trim() || node.getAttribute("aria-label") || ""
  return text.replace(/\s+/g, " ")
}

function offersOfPage() {
  const found = new Map()
  for (const root of document.querySelectorAll('[data-testid="stMain"], [data-testid="stBottom"]'))
    for (const node of root.querySelectorAll(OFFERS)) {
      if (node.disabled || node.getAttribute("aria-disabled") === "true" || !node.checkVisibility({ visibilityProperty: true })) continue
      if (node.closest('[data-testid="stElementToolbar"]')) continue
      const label = wordsOf(node)
      if (label && label !== "Help" && label.length < 120 && !found.has(label)) found.set(label, { label, note: "", node })
    }
  return [...found.values()]
}

// How well words are met, 0 where one is not: at the beginning, at the beginning of a word, inside, in the note.
function fit(item, words) {
  const label = item.label.toLowerCase()
  const note = item.note.toLowerCase()
  let sum = 0
  for (const word of words) {
    const at = label.indexOf(word)
    if (at === 0) sum += 4
    else if (at > 0) sum += /[\p{L}\p{N}]/u.test(label[at - 1]) ? 2 : 3
    else if (note.includes(word)) sum += 1
    else return 0
  }
  return sum
}

class Palette {
  constructor(root) {
    this.root = root
    this.dialog = root.querySelector(".palette")
    this.input = this.dialog.querySelector("input")
    this.list = root.querySelector("#found")
    this.status = this.dialog.querySelector('[role="status"]')
    this.help = root.querySelector(".keys")
    this.recent = null
    this.shown = []
    this.at = 0
    this.input.oninput = () => this.search()
    this.input.onkeydown = (event) => this.move(event)
    for (const dialog of [this.dialog, this.help])
      dialog.onclick = (event) => {
        if (event.target === dialog) dialog.close() // the ground around it
      }
    this.help.querySelector(".close").onclick = () => this.help.close()
    this.name()
    const box = this.help.querySelector("input")
    box.checked = hasSingleKeys()
    box.onchange = () => localStorage.setItem(SINGLE_KEYS, box.checked ? "on" : "off")
  }

  // What the page's own HTML leaves open, in the language of the page.
  name() {
    this.dialog.setAttribute("aria-label", _("Find or do"))
    this.input.setAttribute("aria-label", _("Find or do"))
    this.input.placeholder = _("A page, a name, or something to do here")
    this.list.setAttribute("aria-label", _("Found"))
    const keys = [[["↑", "↓"], _("move")], [["Enter"], _("open")], [["Esc"], _("close")], [["?"], _("all keys")]]
    this.dialog.querySelector("footer").replaceChildren(
      ...keys.map(([names, what]) => {
        const part = document.createElement("span")
        for (const name of names) part.append(Object.assign(document.createElement("kbd"), { textContent: name }), " ")
        part.append(what)
        return part
      }),
    )
    this.help.querySelector("h2").textContent = _("Keys")
    this.help.querySelector("label span").textContent = _("Single letters are keys")
    this.help.querySelector("p").textContent = _("Off: only keys with Ctrl or Cmd work, for people who speak or type with other devices.")
    this.help.querySelector(".close").textContent = _("Close")
  }

  take(data, say) {
    this.say = say
    this.places = data.places
    if (data.recent) {
      this.recent = data.recent
      if (this.dialog.open) this.search()
    }
    const keys = [
      [FIND, _("Find a page, a name, or something to do")],
      ["?", _("This overview")],
      ["/", _("Search on this page, where it has a search")],
      ...this.places.filter((place) => place.letter).map((place) => [`G ${place.letter.toUpperCase()}`, place.label]),
      ["← →", _("Move through the slides; N shows notes, D turns dark and light, Esc leaves")],
      [`${MAC ? "⌘" : "Ctrl"} Enter`, _("Take over what was typed into a text of several lines")],
    ]
    this.help.querySelector("dl").replaceChildren(
      ...keys.flatMap(([key, what]) => {
        const term = document.createElement("dt")
        term.append(...key.split(" ").map((one) => Object.assign(document.createElement("kbd"), { textContent: one })))
        return [term, Object.assign(document.createElement("dd"), { textContent: what })]
      }),
    )
  }

  get isOpen() {
    return this.dialog.open || this.help.open
  }

  open() {
    // A question of the page waits for an answer: it keeps the keyboard.
    if (this.isOpen || document.querySelector('[data-testid="stDialog"]')) return
    this.offers = offersOfPage()
    this.input.value = ""
    this.search()
    this.dialog.showModal()
    this.input.focus()
    this.say("ask", performance.now())
  }

  openKeys() {
    this.dialog.close()
    if (!document.querySelector('[data-testid="stDialog"]')) this.help.showModal()
  }

  search() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean)
    const chosen = this.shown[this.at]
    const groups = [
      [_("On this page"), words.length ? this.offers : this.offers.filter((one) => one.node.localName === "button").slice(0, MOST_OFFERED)],
      [_("Go to"), this.places],
      [_("By name"), this.recent ?? []],
    ].map(([title, items]) => {
      if (!words.length) return { title, items, best: 0 }
      const met = items.map((item) => ({ item, fit: fit(item, words) })).filter((one) => one.fit)
      met.sort((a, b) => b.fit - a.fit)
      return { title, items: met.map((one) => one.item), best: met[0]?.fit ?? 0 }
    })
    groups.sort((a, b) => b.best - a.best)
    this.shown = []
    this.list.replaceChildren()
    for (const { title, items } of groups) {
      const room = items.slice(0, MOST_SHOWN - this.shown.length)
      if (room.length) this.list.append(this.group(title, room))
    }
    const same = this.shown.indexOf(chosen)
    this.mark(words.length || same < 0 ? 0 : same)
    const looking = this.recent === null ? _("Looking for recent tasks, experiments, projects and drafts.") : ""
    this.status.textContent = this.shown.length ? looking : looking || _("Nothing here is called that.")
  }

  group(title, items) {
    const group = document.createElement("div")
    group.setAttribute("role", "group")
    group.setAttribute("aria-label", title)
    const head = Object.assign(document.createElement("div"), { className: "group", textContent: title })
    head.setAttribute("aria-hidden", "true")
    group.append(head)
    for (const item of items) {
      const place = this.shown.push(item) - 1
      const row = Object.assign(document.createElement("div"), { id: `found-${place}` })
      row.setAttribute("role", "option")
      row.append(Object.assign(document.createElement("span"), { textContent: item.label }))
      row.append(Object.assign(document.createElement("span"), { className: "note", textContent: item.note }))
      if (item.letter) {
        const keys = Object.assign(document.createElement("kbd"), { textContent: `G ${item.letter.toUpperCase()}` })
        keys.setAttribute("aria-hidden", "true")
        row.append(keys)
      }
      row.onclick = () => this.choose(item)
      row.onpointermove = () => this.mark(place, false)
      group.append(row)
    }
    return group
  }

  mark(place, scroll = true) {
    this.at = place
    for (const row of this.list.querySelectorAll('[role="option"]')) row.setAttribute("aria-selected", String(row.id === `found-${place}`))
    const row = this.root.querySelector(`#found-${place}`)
    row ? this.input.setAttribute("aria-activedescendant", row.id) : this.input.removeAttribute("aria-activedescendant")
    if (scroll) place === 0 ? (this.list.scrollTop = 0) : row?.scrollIntoView({ block: "nearest" })
  }

  move(event) {
    const last = this.shown.length - 1
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }
    if (event.key in steps && last >= 0) {
      const next = this.at + steps[event.key]
      const around = Math.abs(steps[event.key]) === 1 ? (next + last + 1) % (last + 1) : Math.max(0, Math.min(last, next))
      this.mark(around)
    } else if (event.key === "Enter" && this.shown[this.at]) this.choose(this.shown[this.at])
    else if (event.key === "?" && !this.input.value) this.openKeys()
    else return
    event.preventDefault()
  }

  choose(item) {
    this.dialog.close()
    if (item.node) {
      item.node.focus()
      item.node.click()
    } else this.go(item)
  }

  go(item) {
    this.say("go", { screen: item.screen, query: item.query })
  }

  close() {
    for (const dialog of [this.dialog, this.help]) if (dialog.open) dialog.close()
  }
}

// In the capture phase: before Streamlit's own keys and those of the slides.
let afterG = 0
function press(event) {
  if (!palette || event.defaultPrevented || event.isComposing) return
  const take = (action) => {
    event.preventDefault()
    event.stopImmediatePropagation()
    action()
  }
  const key = event.key.toLowerCase()
  if (key === "k" && (MAC ? event.metaKey : event.ctrlKey) && !event.shiftKey && !event.altKey) {
    take(() => (palette.dialog.open ? palette.close() : palette.open()))
    return
  }
  if (event.ctrlKey || event.metaKey || event.altKey || palette.isOpen || !hasSingleKeys()) return
  if (isTypedInto(event.composedPath()[0]) || document.querySelector('[data-testid="stDialog"]')) return
  const isAfterG = performance.now() - afterG < AFTER_G_MS
  const place = isAfterG && palette.places.find((one) => one.letter === key)
  afterG = 0
  if (place) take(() => palette.go(place))
  else if (key === "g" && !event.repeat) take(() => (afterG = performance.now()))
  else if (event.key === "?") take(() => palette.openKeys())
  else if (event.key === "/") {
    const field = document.querySelector(`[data-testid="stMain"] input[aria-label^="${_("Search")}"]`)
    if (field) take(() => field.focus())
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.is_button) {
    opener = parentElement.querySelector(".opener")
    for (const dialog of parentElement.querySelectorAll("dialog")) dialog.remove()
    opener.querySelector("span").textContent = _("Find or do")
    opener.querySelector("kbd").textContent = FIND
    opener.setAttribute("aria-keyshortcuts", MAC ? "Meta+K" : "Control+K")
    opener.hidden = false
    opener.onclick = () => palette?.open()
    show(palette)
    return
  }
  if (palette?.root !== parentElement) show(new Palette(parentElement))
  palette.take(data, setTriggerValue)
  window.addEventListener("keydown", press, true) // the same function: it is added once
  return () => {
    // Called at the end, and when newer data came before this was begun (Streamlit 1.67): then the newer call has the place.
    if (parentElement.isConnected || palette?.root !== parentElement) return
    palette.close()
    show(null)
    window.removeEventListener("keydown", press, true)
  }
}
