// Texts of scripts in the language of the page: _ takes a message and the values of its placeholders; else it is English.
"use strict";
globalThis._ = (text, values = {}) => (globalThis.tdMessages?.[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
