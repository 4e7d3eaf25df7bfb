// A field for an image: choose, drop or paste a file, or draw if there is a pad. A canvas shows it, which needs no
// address for the image, so it works with the strictest security policy.

import { element } from "./dom.js";

const PREVIEW = 480; // pixels of a photo's longer side
const PAD = 280;
const STROKE = 0.08; // of the pad's side: MNIST's strokes are 2 to 3 of 28 pixels wide

// `pad` is null, or {paper, ink}: the colours of a model's drawings.
export function pictureField({ name, controlAttributes, wrap, failAt }, pad) {
  const input = element("input", { ...controlAttributes, type: "file", accept: "image/*" });
  const canvas = element("canvas", { role: "img", class: pad ? "pad" : "photo", width: PAD, height: PAD });
  const ways = pad ? "Draw here, or choose, drop or paste an image." : "Choose, drop or paste an image.";
  const node = wrap("picture", canvas, element("p", { class: "hint" }, ways), input);
  let source = null; // null | "drawing" | File | base64

  async function show(picture) {
    source = picture;
    wipe(canvas, pad);
    canvas.classList.toggle("empty", !picture);
    describe(picture ? "Preview" : "Empty preview");
    if (!picture) return;
    try {
      await paint(canvas, pad, picture instanceof File ? picture : toBlob(picture));
    } catch {
      describe("No preview: this browser can't show the file, which is sent unchanged");
      canvas.classList.add("empty");
    }
  }

  function describe(text) {
    canvas.setAttribute("aria-label", `${text}.${pad ? " Without a pointer, choose a file instead of drawing." : ""}`);
  }

  function take(files) {
    if (!files.length) return;
    input.files = files;
    show(files[0]);
  }

  input.addEventListener("change", () => take(input.files));
  if (pad) {
    acceptStrokes(canvas, pad, () => {
      if (source !== "drawing") {
        wipe(canvas, pad);
        input.value = "";
      }
      source = "drawing";
      canvas.classList.remove("empty");
      describe("Your drawing");
    });
  }
  show(null);

  return {
    name,
    node,
    take,
    isEmpty: () => !source,
    file: () => (source instanceof File ? source : undefined),
    read: async () => {
      if (source === "drawing") return canvas.toDataURL("image/png").split(",")[1];
      return source instanceof File ? toBase64(source) : (source ?? undefined);
    },
    write: (value) => {
      input.value = "";
      show(value ?? null);
    },
    fail: failAt([input]),
  };
}

function wipe(canvas, pad) {
  canvas.width = canvas.height = PAD; // which also clears it
  if (!pad) return;
  const context = canvas.getContext("2d");
  context.fillStyle = pad.paper;
  context.fillRect(0, 0, PAD, PAD);
}

async function paint(canvas, pad, blob) {
  const bitmap = await createImageBitmap(blob);
  if (!pad) {
    const scale = Math.min(PREVIEW / Math.max(bitmap.width, bitmap.height), 4);
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  }
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = !pad; // a pad shows the pixels of a small drawing
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
}

// For mouse, pen and touch.
function acceptStrokes(canvas, pad, begin) {
  let last = null;

  function draw(event) {
    const place = canvas.getBoundingClientRect();
    const x = ((event.clientX - place.left) / place.width) * canvas.width;
    const y = ((event.clientY - place.top) / place.height) * canvas.height;
    const context = canvas.getContext("2d");
    context.strokeStyle = pad.ink;
    context.lineWidth = STROKE * canvas.width;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(...(last ?? [x, y]));
    context.lineTo(x, y);
    context.stroke();
    last = [x, y];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    begin();
    canvas.setPointerCapture(event.pointerId);
    last = null;
    draw(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last && event.isPrimary) draw(event);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => void (last = null));
}

function toBlob(base64) {
  return new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))]);
}

async function toBase64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}
