// What other pages need of Streamlit's client is loaded once this one is still, one part after the other: the first click
// on a page with a table or a chart finds them there. Loaded and not only fetched, for to run one takes as long.
addEventListener("load", () => {
  const STILL_MS = 300
  let changed = performance.now()
  const changes = new MutationObserver(() => (changed = performance.now()))
  changes.observe(document.body, { childList: true, subtree: true })
  const isStill = () =>
    document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning" &&
    performance.now() - changed > STILL_MS
  const later = () => {
    if (!isStill() || document.hidden) return setTimeout(later, STILL_MS)
    const name = window.tdLater.shift()
    const next = () => requestIdleCallback(later, { timeout: STILL_MS })
    name ? import(`./static/js/${name}`).then(next, next) : changes.disconnect()
  }
  later()
})
