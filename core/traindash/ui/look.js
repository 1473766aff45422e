// The look that a person has chosen for this browser, where it is not the system's. Streamlit takes one from the address
// when it starts (embed_options, 1.67) and has no other public way; what it has read is taken out of the address again.
{
  const OPTIONS = "embed_options"
  const chosen = localStorage.getItem("traindash-look")
  const address = () => new URL(location.href)
  if (["dark", "light"].includes(chosen) && !address().searchParams.has(OPTIONS)) {
    const told = address()
    told.searchParams.set(OPTIONS, `${chosen}_theme`)
    history.replaceState(history.state, "", told)
    const tidy = setInterval(() => {
      if (!document.querySelector('[data-test-script-state="notRunning"]')) return
      clearInterval(tidy)
      const plain = address()
      plain.searchParams.delete(OPTIONS)
      history.replaceState(history.state, "", plain)
    }, 200)
  }
  // Dialogs and menus stand beside the app, which alone tells light from dark (1.67).
  const follow = () => {
    const app = document.querySelector('[data-testid="stApp"]')
    if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme
  }
  addEventListener("DOMContentLoaded", () => new MutationObserver(follow).observe(document.body, { childList: true }))
}
