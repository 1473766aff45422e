// Watches the rooms of all parts of the page that wait, and says near which of them the person has come.
const AHEAD = "600px 0px"
const MOVES = ["wheel", "touchmove", "keydown", "pointerdown"]
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

function watchRooms(page, say) {
  const near = new Set()
  // Only a part that waits has a room. So whoever comes near one asks for it, also when its name was said before: the
  // number makes the answer a new one.
  const seen = new IntersectionObserver(
    (entries) => {
      const parts = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target.dataset.part)
      if (!parts.length) return
      for (const part of parts) near.add(part)
      say({ parts: [...near], number: performance.now() })
    },
    { root: page, rootMargin: AHEAD },
  )
  const watch = () => {
    for (const room of page.querySelectorAll(".cx-room")) seen.observe(room)
  }
  const changes = new MutationObserver(watch)
  changes.observe(page, { childList: true, subtree: true })
  watch()
  return () => {
    seen.disconnect()
    changes.disconnect()
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
