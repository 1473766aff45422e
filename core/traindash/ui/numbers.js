// Streamlit's charts and tables write numbers in English and take no function from outside (1.67). What they draw on a
// canvas and is a number alone gets the signs of the page's language.
{
  const language = document.documentElement.lang || "en"
  const signs = Object.fromEntries(new Intl.NumberFormat(language).formatToParts(12345.6).map(({ type, value }) => [type, value]))
  // As English writes them: what our own charts and tables write is in the page's language already (“0,451”).
  const NUMBER = /^[−+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d+)?( ?[%s])?$/
  if (signs.decimal !== ".") {
    const spoken = (text) => (typeof text === "string" && NUMBER.test(text) ? text.replace(/[.,]/g, (sign) => (sign === "." ? signs.decimal : signs.group)) : text)
    for (const name of ["fillText", "strokeText"]) {
      const draw = CanvasRenderingContext2D.prototype[name]
      CanvasRenderingContext2D.prototype[name] = function (text, ...rest) {
        return draw.call(this, spoken(text), ...rest)
      }
    }
  }
}
