// What other pages need of Streamlit's client is fetched once this one is still, one file after the other: the first
// click on a page with a table or a chart finds them there.
addEventListener("load", () => {
  const STILL_MS = 1500
  const later = () => {
    const app = document.querySelector('[data-testid="stApp"]')
    if (!app || app.dataset.testScriptState !== "notRunning" || document.hidden) return setTimeout(later, STILL_MS)
    const name = window.tdLater.shift()
    if (!name) return
    const link = document.createElement("link")
    Object.assign(link, { rel: "modulepreload", crossOrigin: "", fetchPriority: "low", href: `./static/js/${name}` })
    link.onload = link.onerror = () => requestIdleCallback(later, { timeout: STILL_MS })
    document.head.append(link)
  }
  setTimeout(later, STILL_MS)
})
