// The contents: open beside the text on a wide screen, elsewhere closed until asked for, and again after a choice.
const contents = document.querySelector("nav.contents details");
const wide = matchMedia("(min-width: 75rem)");
const follow = () => { contents.open = wide.matches; };
wide.addEventListener("change", follow);
follow();
contents.addEventListener("click", (event) => { if (event.target.closest("a") && !wide.matches) contents.open = false; });
// What a link leads to is shown, even where it is folded away.
const unfold = () => {
  for (let part = document.getElementById(location.hash.slice(1)); part; part = part.parentElement)
    if (part.tagName === "DETAILS") part.open = true;
};
addEventListener("hashchange", unfold);
unfold();
