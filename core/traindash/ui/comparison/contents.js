// The contents of a long page whose sections open on demand: links that open what they lead to, also for an address
// that names a chart inside of a section; the place on the screen is marked.
const WAIT_MS = 20000
const ONCE_MS = 5000
const stops = new WeakMap()
const asked = new Map() // section -> when it was asked to open: a second click while the server answers would close it

function leadTo(data) {
  const main = document.querySelector('[data-testid="stMain"]')
  const summary = (anchor) => main.querySelector(`.st-key-section-${anchor} summary`)
  const isOpen = (anchor) => summary(anchor)?.closest("details")?.open
  const home = new Map(data.sections.flatMap((one) => [[one.anchor, one.anchor], ...one.parts.map((part) => [part, one.anchor])]))
  let waiting = null
  const arrive = () => {
    if (!waiting) return
    const target = document.getElementById(waiting.name)
    const ready = target && isOpen(waiting.section)
    if (ready) {
      target.scrollIntoView()
      if (waiting.name !== waiting.section || performance.now() > waiting.settled) waiting = null
    } else if (performance.now() > waiting.until) waiting = null
  }
  const growth = new MutationObserver(arrive)
  growth.observe(main, { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] })
  const go = (name) => {
    const section = home.get(name)
    if (!section) return
    waiting = { name, section, until: performance.now() + WAIT_MS, settled: performance.now() + 800 }
    const head = summary(section)
    if (head && !isOpen(section) && performance.now() - (asked.get(section) ?? -ONCE_MS) >= ONCE_MS) {
      asked.set(section, performance.now())
      head.click()
    }
    arrive()
  }
  const named = () => decodeURIComponent(location.hash.slice(1))
  const follow = () => go(named())
  const press = (event) => {
    const link = event.target.closest?.('a[href^="#"]')
    if (link && decodeURIComponent(link.hash.slice(1)) === named()) go(named()) // the same place again: no hashchange
  }
  const release = () => (waiting = null)
  addEventListener("hashchange", follow)
  main.addEventListener("click", press)
  main.addEventListener("wheel", release, { passive: true })
  // sections may come after this script
  let tries = 0
  const first = setInterval(() => {
    if (summary(home.get(named()) ?? "") || ++tries > 40) {
      clearInterval(first)
      follow()
    }
  }, 250)
  return () => {
    clearInterval(first)
    growth.disconnect()
    removeEventListener("hashchange", follow)
    main.removeEventListener("click", press)
    main.removeEventListener("wheel", release)
  }
}

// The section that the upper third of the screen shows is the current one.
function markPlace(data, links) {
  const main = document.querySelector('[data-testid="stMain"]')
  const mark = () => {
    const limit = main.clientHeight / 3
    let now = null
    for (const { anchor } of data.sections) {
      const target = main.querySelector(`.st-key-section-${anchor}`)
      if (target && target.getBoundingClientRect().top <= limit) now = anchor
    }
    for (const link of links) link.hash.slice(1) === now ? link.setAttribute("aria-current", "location") : link.removeAttribute("aria-current")
  }
  let frame = 0
  const later = () => {
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(mark)
  }
  main.addEventListener("scroll", later, { passive: true })
  mark()
  return () => {
    cancelAnimationFrame(frame)
    main.removeEventListener("scroll", later)
  }
}

export default function ({ data, parentElement }) {
  stops.get(parentElement)?.()
  const list = document.createElement("nav")
  list.setAttribute("aria-label", _("On this page"))
  const links = data.sections.map(({ anchor, title }) => {
    const link = document.createElement("a")
    link.href = `#${anchor}`
    link.textContent = title
    return link
  })
  list.append(...links)
  parentElement.querySelector("nav")?.remove()
  parentElement.append(list)
  const ends = [leadTo(data), markPlace(data, links)]
  const stop = () => ends.forEach((end) => end())
  stops.set(parentElement, stop)
  return stop
}
