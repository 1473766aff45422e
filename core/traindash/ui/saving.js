// Two buttons that save a chart as a picture: drawn out of sight by the same code as in the one-file report, always on
// white, for a picture goes into documents.
export default function ({ data, parentElement }) {
  const { picture, savePng, saveSvg } = globalThis.reportSaving
  const drawn = () => picture(data.panels, data.title, data.look)
  parentElement.querySelector(".png").onclick = () => savePng(drawn(), data.name)
  parentElement.querySelector(".svg").onclick = () => saveSvg(drawn(), data.name)
  for (const button of parentElement.querySelectorAll("button")) button.disabled = false // pressed in vain before
}
