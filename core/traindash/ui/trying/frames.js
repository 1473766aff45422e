// Frames of a video, taken by the browser: it plays what no library of ours would read, and the file stays where it is.
const SPACING = 0.5 // seconds between two frames of a short video
const TOGETHER = 6 // frames of one message
const PATIENCE = 8000 // milliseconds that a place in the video may take
const kept = new WeakMap()

const when = (target, event) =>
  new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error(_("The browser cannot show this part of the video."))), PATIENCE)
    const end = (finish) => () => (clearTimeout(timer), finish())
    target.addEventListener(event, end(done), { once: true })
    target.addEventListener("error", end(() => failed(new Error(_("The browser cannot play this video.")))), { once: true })
  })

const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`

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
    let frames = []
    let first = true
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
        send({ first, frames })
        first = false
        frames = []
        await new Promise((done) => setTimeout(done, 150)) // each message is a run of the page
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
  if (state.made) return
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
      await take(file, data, tell, (value) => state.send(value))
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
}
