// What of the open page is wrong: run by test_browser.py, returns a list of lines.
const width = arguments[0];
const wrong = [];
const name = (element) => `<${element.tagName.toLowerCase()} class="${element.className}"> ${element.textContent.trim().slice(0, 40)}`;

if (innerWidth !== width) wrong.push(`the window is ${innerWidth} px wide, not ${width}`);
if (document.documentElement.scrollWidth > width) wrong.push(`the page is ${document.documentElement.scrollWidth} px wide`);

const scrolls = (element) => {
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(box).overflowX) && box.getBoundingClientRect().right <= width + 0.5) return true;
  return false;
};
for (const element of document.body.querySelectorAll("*"))
  if (element.getBoundingClientRect().right > width + 0.5 && !scrolls(element)) wrong.push(`beyond the screen: ${name(element)}`);

for (const image of document.images) if (!image.naturalWidth) wrong.push(`no picture: ${image.alt}`);
for (const part of document.querySelectorAll("details")) if (!part.open) wrong.push(`not open: ${name(part)}`);

// Contrast, as WCAG 2.1 defines it: 4.5 for text, level AA.
const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
const colour = (text) => text.match(/[\d.]+/g).map(Number);
const ground = (element) => {
  for (let box = element; box; box = box.parentElement) {
    const found = colour(getComputedStyle(box).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
for (const element of document.body.querySelectorAll("*")) {
  if (![...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim())) continue;
  const [dark, light] = [colour(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => a - b);
  const contrast = (light + 0.05) / (dark + 0.05);
  if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${name(element)}`);
}
return wrong;
