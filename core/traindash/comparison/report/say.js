// Texts of scripts in the language of the page: _("Step {number}", { number: 2 }). What there is no message of is English.
"use strict";
globalThis._ = (text, values = {}) => (globalThis.tdMessages?.[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
