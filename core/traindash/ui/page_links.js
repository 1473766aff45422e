// What Streamlit leaves undone after a click on a page link (1.67).
{
  const NARROW_PX = 768 // where Streamlit lays the sidebar over the page
  addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.('[data-testid="stPageLink"] a')
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return
      // After a link to the page that is open Streamlit keeps the query of before, and the next click would send it. It
      // takes the query anew where somebody goes back or forward in the history, so that is what such a link does.
      const { pathname, search, href } = new URL(link.href, location.href)
      if (pathname === location.pathname && search !== location.search) {
        event.preventDefault()
        event.stopPropagation()
        history.pushState({}, "", href)
        dispatchEvent(new PopStateEvent("popstate"))
      }
      // On a narrow screen the sidebar lies over the page, and the place that was chosen would stay covered
      if (innerWidth > NARROW_PX || !link.closest('[data-testid="stSidebar"]')) return
      document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click()
    },
    true,
  )
}
