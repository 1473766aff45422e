const WANTED = "traindash-notify"
const TOLD = "traindash-told"
const MOST_TOLD = 200
const sent = new WeakMap()

const stored = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key))
  } catch {
    return null
  }
}

// Two tabs of one browser must not both tell: the first one notes it.
function isNew(id) {
  const told = stored(TOLD) ?? []
  if (told.includes(id)) return false
  localStorage.setItem(TOLD, JSON.stringify([...told, id].slice(-MOST_TOLD)))
  return true
}

function tell(message) {
  const note = new Notification(message.title, { body: message.body, tag: message.id })
  note.onclick = () => {
    window.focus()
    window.location.assign(new URL(message.path, document.baseURI))
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const button = parentElement.querySelector("button")
  const word = parentElement.querySelector(".word")
  const possible = "Notification" in window
  const isOn = () => possible && Notification.permission === "granted" && stored(WANTED) === true

  const show = () => {
    const blocked = possible && Notification.permission === "denied"
    button.disabled = !possible || blocked
    button.setAttribute("aria-checked", String(isOn()))
    word.textContent = !possible
      ? _("This browser has no notifications")
      : blocked
        ? _("Notifications are blocked in this browser")
        : _("Notify me when a task ends")
    // What the server knows need not be told to it: each answer is a run of its own.
    if ((sent.get(parentElement) ?? data.on) === isOn()) return
    sent.set(parentElement, isOn())
    setStateValue("on", isOn())
  }

  button.onclick = async () => {
    const wanted = !isOn()
    if (wanted && Notification.permission === "default") await Notification.requestPermission()
    localStorage.setItem(WANTED, JSON.stringify(wanted))
    show()
  }
  if (isOn()) for (const message of data.messages) if (isNew(message.id)) tell(message)
  show()
}
