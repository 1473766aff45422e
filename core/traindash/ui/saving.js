// Two buttons that save a chart as a picture. It is drawn anew out of sight, by the same code as in the one-file report,
// always on white: a picture goes into documents.
export default function ({ data, parentElement }) {
  const paper = parentElement.querySelector(".paper")
  const draw = () => {
    paper.replaceChildren()
    const panels = data.panels.map((panel) => {
      const figure = document.createElement("figure")
      figure.className = "rp-panel"
      paper.append(figure)
      return globalThis.reportPanels.make(figure, { ...panel, legend: false })
    })
    return globalThis.reportSaving.picture(panels, data.title, paper)
  }
  parentElement.querySelector(".png").onclick = () => globalThis.reportSaving.savePng(draw(), data.name)
  parentElement.querySelector(".svg").onclick = () => globalThis.reportSaving.saveSvg(draw(), data.name)
}
