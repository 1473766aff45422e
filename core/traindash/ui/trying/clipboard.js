// A picture that is pasted anywhere on the page goes to Python, as it is on the clipboard.
let listening = null // one for all calls: another look of the page is another call (Streamlit 1.67)

export default function ({ parentElement, setTriggerValue }) {
  const take = (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"))
    if (!file) return
    event.preventDefault()
    const reader = new FileReader()
    reader.onload = () => {
      const data = String(reader.result)
      setTriggerValue("pasted", { name: file.name, data: data.slice(data.indexOf(",") + 1) })
    }
    reader.readAsDataURL(file)
  }
  document.removeEventListener("paste", listening)
  listening = take
  document.addEventListener("paste", take)
  const host = parentElement.host ?? parentElement
  host.dataset.listensToPaste = "" // for who waits to paste: tests
  return () => document.removeEventListener("paste", take)
}
