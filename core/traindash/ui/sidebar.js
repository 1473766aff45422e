// On a narrow screen the sidebar lies over the page. Streamlit closes it once a link of its own navigation was followed, and
// leaves it open after a page link (1.67): the place that was chosen would stay covered.
{
  const NARROW_PX = 768 // where Streamlit lays the sidebar over the page
  addEventListener("click", ({ target }) => {
    if (innerWidth > NARROW_PX || !target.closest('[data-testid="stSidebar"] [data-testid="stPageLink"] a')) return
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click()
  })
}
