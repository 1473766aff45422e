const LOOK = "traindash-look"
const YEAR = 365 * 24 * 3600

export default function ({ data, parentElement }) {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith(`${data.cookie}=`))
  const kept = { look: localStorage.getItem(LOOK) ?? "", language: cookie?.slice(data.cookie.length + 1) ?? "" }
  const keep = {
    look: (value) => (value ? localStorage.setItem(LOOK, value) : localStorage.removeItem(LOOK)),
    language: (value) => {
      document.cookie = `${data.cookie}=${value}; path=/; SameSite=Lax; max-age=${value ? YEAR : 0}`
    },
  }
  for (const group of parentElement.querySelectorAll("[data-kept]")) {
    const what = group.dataset.kept
    group.setAttribute("aria-label", data.titles[what])
    for (const button of group.querySelectorAll("button")) {
      button.textContent = data.words[what][button.value] ?? button.textContent
      button.setAttribute("aria-pressed", String(button.value === kept[what]))
      button.onclick = () => {
        keep[what](button.value)
        location.reload() // both are asked for at the start; the address and the draft keep everything else
      }
    }
  }
}
