const AHEAD = "800px 0px"
const AGAIN_MS = 2000
const memory = new WeakMap()

export default function ({ data, parentElement, setStateValue }) {
  const room = parentElement.querySelector(".room")
  room.style.height = data.near ? "0" : `${data.height}px`
  clearTimeout(memory.get(parentElement))
  if (data.near) return undefined
  const host = parentElement.getRootNode().host ?? parentElement
  // After a jump several parts come near at once, and of their runs one can take the place of another. So each part
  // asks again, later and later and never all at the same moment, until it is drawn.
  const ask = (wait) => {
    setStateValue("near", Date.now())
    memory.set(parentElement, setTimeout(() => ask(wait * 2), wait * (1 + Math.random())))
  }
  const watcher = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      watcher.disconnect()
      ask(AGAIN_MS)
    },
    { root: host.closest('[data-testid="stMain"]'), rootMargin: AHEAD },
  )
  watcher.observe(room)
  return () => {
    watcher.disconnect()
    clearTimeout(memory.get(parentElement))
  }
}
