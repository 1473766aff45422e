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
  for (const select of parentElement.querySelectorAll("[data-kept]")) {
    const what = select.dataset.kept
    select.previousElementSibling.textContent = data.titles[what]
    select.setAttribute("aria-label", data.titles[what]) // the label around it would count the choices to its name
    for (const option of select.options) option.textContent = data.words[what][option.value] ?? option.textContent
    select.value = kept[what]
    select.onchange = () => {
      keep[what](select.value)
      location.reload() // both are asked for at the start; the address and the draft keep everything else
    }
  }
}
