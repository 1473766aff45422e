const KEY = "traindash-look"

export default function ({ parentElement }) {
  const chosen = localStorage.getItem(KEY) ?? ""
  for (const button of parentElement.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen))
    button.onclick = () => {
      button.value ? localStorage.setItem(KEY, button.value) : localStorage.removeItem(KEY)
      location.reload() // Streamlit asks for a look when it starts; the address and the draft keep everything else
    }
  }
}
