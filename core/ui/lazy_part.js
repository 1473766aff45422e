const AHEAD = "800px 0px"

export default function ({ data, parentElement, setStateValue }) {
  const room = parentElement.querySelector(".room")
  room.style.height = data.near ? "0" : `${data.height}px`
  if (data.near) return undefined
  const host = parentElement.getRootNode().host ?? parentElement
  const watcher = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      watcher.disconnect()
      setStateValue("near", true)
    },
    { root: host.closest('[data-testid="stMain"]'), rootMargin: AHEAD },
  )
  watcher.observe(room)
  return () => watcher.disconnect()
}
