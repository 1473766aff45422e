// Frames of a video, taken by the browser: it plays what no library of ours would read, and the file stays where it is.
const SPACING = 0.5 // seconds between two frames of a short video
const TOGETHER = 6 // frames of one message
const PATIENCE = 8000 // milliseconds that a place in the video may take
const AGAIN = 5000 // and that Python may take to say that a message has come, before it is sent once more
const kept = new WeakMap()

const when = (target, event) =>
  new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error(_("The browser cannot show this part of the video."))), PATIENCE)
    const end = (finish) => () => (clearTimeout(timer), finish())
    target.addEventListener(event, end(done), { once: true })
    target.addEventListener("error", end(() => failed(new Error(_("The browser cannot play this video.")))), { once: true })
  })

const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`

// The next message goes when this one has come: while the page's script runs only the last of several would reach it
// (1.67).
// Gives whether it has come: the page may be left meanwhile.
async function deliver(state, message) {
  const arrived = () => state.data.film === message.film && state.data.done >= message.number
  while (!arrived() && !state.gone) {
    state.send(message)
    await new Promise((done) => {
      const timer = setTimeout(done, AGAIN)
      state.wake = () => (arrived() || state.gone) && (clearTimeout(timer), done())
    })
  }
  return arrived()
}

async function take(file, { most, longest }, tell, send) {
  const video = document.createElement("video")
  const address = URL.createObjectURL(file)
  try {
    video.muted = true
    video.preload = "auto"
    video.src = address
    await when(video, "loadeddata")
    const seconds = Number.isFinite(video.duration) ? video.duration : 0
    const count = Math.max(1, Math.min(most, Math.floor(seconds / SPACING) + 1))
    const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight))
    const canvas = document.createElement("canvas")
    canvas.width = Math.max(1, Math.round(video.videoWidth * scale))
    canvas.height = Math.max(1, Math.round(video.videoHeight * scale))
    const pen = canvas.getContext("2d")
    const film = crypto.randomUUID()
    let frames = []
    let sent = 0
    for (let number = 0; number < count; number++) {
      const at = count === 1 ? 0 : (number * Math.max(0, seconds - 0.05)) / (count - 1)
      if (Math.abs(video.currentTime - at) > 0.001) {
        video.currentTime = at
        await when(video, "seeked")
      }
      pen.drawImage(video, 0, 0, canvas.width, canvas.height)
      const picture = canvas.toDataURL("image/jpeg", 0.92)
      frames.push({ name: `${file.name}, ${clock(at)}`, data: picture.slice(picture.indexOf(",") + 1) })
      tell(_("Taking frames: {number} of {total}", { number: number + 1, total: count }), (number + 1) / count)
      if (frames.length === TOGETHER || number === count - 1) {
        if (!(await send({ film, number: ++sent, frames }))) return
        frames = []
      }
    }
    tell(`${count} ${count === 1 ? "frame" : "frames"} of ${clock(seconds)} minutes`, 1)
  } finally {
    URL.revokeObjectURL(address)
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".frames")
  const state = kept.get(parentElement) ?? {}
  kept.set(parentElement, state)
  state.send = (value) => setTriggerValue("taken", value)
  state.data = data
  state.wake?.()
  const leave = () => {
    if (parentElement.isConnected) return // newer data came before this was begun (Streamlit 1.67)
    state.gone = true
    state.wake?.()
  }
  if (state.made) return leave
  state.made = true
  const input = document.createElement("input")
  input.type = "file"
  input.accept = "video/*"
  input.setAttribute("aria-label", _("Choose a video"))
  const label = document.createElement("label")
  label.className = "drop"
  const words = document.createElement("span")
  words.textContent = _("Drop a short video here, or choose one.")
  const small = document.createElement("small")
  small.textContent = _("Up to {count} frames, evenly taken, two a second in short ones. What the browser plays can be used.", { count: data.most })
  words.append(small)
  label.append(words, input)
  const told = document.createElement("p")
  told.className = "told"
  told.setAttribute("role", "status")
  const bar = document.createElement("progress")
  bar.max = 1
  bar.value = 0
  bar.hidden = true
  bar.setAttribute("aria-label", _("Taking frames"))
  root.replaceChildren(label, told, bar)
  const tell = (text, share) => {
    told.textContent = text
    bar.hidden = share >= 1
    bar.value = share
  }
  const begin = async (file) => {
    if (!file || state.busy) return
    state.busy = true
    try {
      await take(file, data, tell, (message) => deliver(state, message))
    } catch (error) {
      tell(`${error.message} ${_("Try another one, MP4 or WebM for example.")}`, 1)
    }
    state.busy = false
  }
  input.onchange = () => begin(input.files[0])
  label.ondragover = (event) => {
    event.preventDefault()
    label.classList.add("over")
  }
  label.ondragleave = () => label.classList.remove("over")
  label.ondrop = (event) => {
    event.preventDefault()
    label.classList.remove("over")
    begin(event.dataTransfer.files[0])
  }
  return leave
}
