const KEY = "traindash-look"

export default function ({ parentElement }) {
  const choice = parentElement.querySelector("select")
  choice.value = localStorage.getItem(KEY) ?? ""
  choice.onchange = () => {
    choice.value ? localStorage.setItem(KEY, choice.value) : localStorage.removeItem(KEY)
    location.reload() // Streamlit asks for a look when it starts; the address and the draft keep everything else
  }
}
