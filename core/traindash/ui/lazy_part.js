// Watches the rooms of all parts of the page that wait, and says near which of them the person has come. While the page
// was not scrolled that are those in sight: many look at its top alone, and what nobody sees would make them wait.
const AHEAD = "600px 0px"
const MOVES = ["wheel", "touchmove", "keydown", "pointerdown"]
const PRESSES = ["popstate", "click", "keydown"]
const QUIET_MS = 400
const stops = new WeakMap()

// What is drawn above the target of a link pushes it down. It stays in its place until the person moves.
function holdTarget(page) {
  const named = (hash) => (hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null)
  let target = named(location.hash)
  const follow = (event) => {
    const link = event.target.closest?.('a[href^="#"]')
    if (link) target = named(link.hash)
  }
  const release = () => {
    target = null
  }
  const growth = new ResizeObserver(() => target?.scrollIntoView())
  growth.observe(page.querySelector('[data-testid="stMainBlockContainer"]'))
  for (const move of MOVES) page.addEventListener(move, release, { capture: true, passive: true })
  page.addEventListener("click", follow)
  return () => {
    growth.disconnect()
    for (const move of MOVES) page.removeEventListener(move, release, { capture: true })
    page.removeEventListener("click", follow)
  }
}

// Only a part that waits has a room. Whoever comes near one asks for it, also when its name was said before: the number
// makes the answer a new one. Nothing is asked while a script runs, or just after something was pressed that may lead to
// another page: Streamlit would take an answer that comes late for a wish to come back to this one.
function watchRooms(page, say) {
  const app = page.closest('[data-testid="stApp"]')
  const near = new Set()
  const open = new Set()
  let pressed = performance.now() // many a page is left at once
  let later
  const ask = () => {
    const quiet = performance.now() - pressed
    if (quiet < QUIET_MS) {
      clearTimeout(later)
      later = setTimeout(ask, QUIET_MS - quiet)
      return
    }
    if ((app.dataset.testScriptState ?? "notRunning") !== "notRunning") return
    const rooms = [...open].filter((room) => room.isConnected)
    open.clear()
    if (!rooms.length) return
    for (const room of rooms) near.add(room.dataset.part)
    say({ parts: [...near], number: performance.now() })
  }
  const press = (event) => {
    const here = event.target.closest?.('a[href^="#"]') || (event.type === "keydown" && !["Enter", " "].includes(event.key))
    if (!here) pressed = performance.now()
  }
  let seen
  const watch = () => {
    for (const room of page.querySelectorAll(".cx-room")) seen.observe(room)
  }
  const look = () => {
    seen?.disconnect()
    seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) entry.isIntersecting ? open.add(entry.target) : open.delete(entry.target)
        ask()
      },
      { root: page, rootMargin: page.scrollTop ? AHEAD : "0px" },
    )
    watch()
  }
  const move = () => {
    if (!page.scrollTop) return
    page.removeEventListener("scroll", move)
    look()
  }
  page.addEventListener("scroll", move, { passive: true })
  const rooms = new MutationObserver(watch)
  rooms.observe(page, { childList: true, subtree: true })
  const rest = new MutationObserver(ask)
  rest.observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] })
  for (const kind of PRESSES) window.addEventListener(kind, press, { capture: true })
  look()
  return () => {
    clearTimeout(later)
    page.removeEventListener("scroll", move)
    for (const observer of [seen, rooms, rest]) observer.disconnect()
    for (const kind of PRESSES) window.removeEventListener(kind, press, { capture: true })
  }
}

export default function ({ parentElement, setStateValue }) {
  stops.get(parentElement)?.()
  const page = document.querySelector('[data-testid="stMain"]')
  const ends = [holdTarget(page), watchRooms(page, (answer) => setStateValue("near", answer))]
  const stop = () => ends.forEach((end) => end())
  stops.set(parentElement, stop)
  return stop
}
