// What stands for a file in the code that is shown. The law: it is what its name and its type say, and nobody is asked for it, so the
// code runs as it stands; a comment says where a file of one's own comes from.

import { literal } from "./code.js";

const YOURS = '/* Yours instead: document.querySelector("input[type=file]").files[0], once somebody has picked one. */';

// Of the kind of the file that was sent: { lines, functions }.
export function sampleOf({ name, type }) {
  const [kind, other, make, functions] = type.startsWith("image/") ? PICTURE : TEXT;
  return { lines: [YOURS, `const file = ${make(literal(type === kind ? name : other))};`], functions };
}

const PICTURE = ["image/png", "drawn.png", (name) => `await drawPicture(${name})`, [drawPicture]];
const TEXT = ["text/plain", "hello.txt", (name) => `new File(["hello"], ${name}, { type: "text/plain" })`, []];

async function drawPicture(name) {
  const canvas = new OffscreenCanvas(64, 64);
  const brush = canvas.getContext("2d");
  brush.fillStyle = "tomato";
  brush.fillRect(8, 8, 48, 48);
  return new File([await canvas.convertToBlob()], name, { type: "image/png" });
}
