// Knows which runs of its script a page has asked the server for, and which of them are over. Streamlit says on the page
// only whether a script runs (1.67): not that a press is on its way to the server, nor that another run follows.
{
  // Numbers of fields in Streamlit's messages, BackMsg, ClientState and ForwardMsg (1.67)
  const [RERUN, IS_AUTO, NEW_SESSION, FINISHED] = [11, 6, 4, 6]
  const EARLY = 2 // ended for another run, which follows
  // What an earlier run has drawn, and what a part of the client that is still being loaded will draw
  const UNFINISHED = '[data-stale="true"], [data-testid="stSkeleton"]'
  const runs = {
    asked: 0, // how often a person, or the start of the page, has asked for a run
    waits: true, // for the end of the run that was asked for last
    begun: false, // that run, or one after it
    auto: false, // what runs is a part of the page that looks for news by itself
    calm: 0, // animation frames in a row in which nothing was waited for
  }
  window.runsOfPage = runs

  /** Reads the fields of a message, as the number and the value: a number, or the bytes of what is inside. */
  function fieldsOf(bytes) {
    const found = new Map()
    let at = 0
    const number = () => {
      let value = 0
      for (let place = 1; ; place *= 128) {
        const byte = bytes[at++]
        value += (byte & 127) * place
        if (byte < 128) return value
      }
    }
    while (at < bytes.length) {
      const tag = number()
      const kind = tag % 8
      if (kind === 0) found.set(tag >> 3, number())
      else {
        const length = kind === 2 ? number() : kind === 1 ? 8 : 4
        found.set(tag >> 3, bytes.subarray(at, at + length))
        at += length
      }
    }
    return found
  }

  const told = (bytes) => {
    const asked = fieldsOf(bytes).get(RERUN)
    if (!asked) return
    runs.isAutoNext = fieldsOf(asked).get(IS_AUTO) === 1
    if (runs.isAutoNext) return
    runs.asked += 1
    runs.waits = true
    runs.begun = false
  }
  const heard = (bytes) => {
    const fields = fieldsOf(bytes)
    if (fields.has(NEW_SESSION)) {
      runs.begun = runs.waits
      runs.auto = !runs.waits && runs.isAutoNext
    } else if (fields.has(FINISHED)) {
      if (fields.get(FINISHED) === EARLY) {
        runs.waits = true
        runs.begun = false
      } else if (runs.begun) runs.waits = false
      runs.auto = false
    }
  }

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given)
      this.addEventListener("message", (event) => heard(new Uint8Array(event.data)))
      this.addEventListener("close", () => (runs.waits = false)) // what is asked for again is sent again
    }

    send(data) {
      told(new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength))
      super.send(data)
    }
  }

  /** Whether nothing is on its way in either direction, nor being drawn, for three animation frames in a row. */
  runs.areOver = (turn) => {
    if (runs.turn !== turn) Object.assign(runs, { turn, calm: 0 })
    const app = document.querySelector('[data-testid="stApp"]')
    const drawn = () => app.dataset.testScriptState === "notRunning" && !document.querySelector(UNFINISHED)
    const over = app?.dataset.testConnectionState === "CONNECTED" && !runs.waits && (runs.auto || drawn())
    runs.calm = over ? runs.calm + 1 : 0
    return runs.calm >= 3
  }
}
