// Language and theme, chosen by hand. `early_head.html` applies both before the page starts.
// `element` is the component of this script, which also defines WORDS and LANGUAGES.
// It also translates what Gradio says in English only.

const words = WORDS[album.language];
const choice = (id, label, choices, value, choose) => {
  const select = document.createElement('select');
  select.id = id;
  select.setAttribute('aria-label', label);
  select.title = label;
  for (const [key, name] of choices) select.add(new Option(name, key, false, key === value));
  select.addEventListener('change', () => choose(select.value));
  return select;
};
const themes = ['light', 'dark', 'system'].map((theme) => [theme, words[`theme_${theme}`]]);
element.replaceChildren(
  choice('choose-language', words.choose_language, LANGUAGES, album.language, album.chooseLanguage),
  choice('choose-theme', words.choose_theme, themes, album.theme(), album.chooseTheme),
);

// Drop areas are drawn again with every file, and screen readers are told their English name.
const UNTRANSLATED = 'button[aria-label="Click to upload or drop files"]';
let waits = false;
new MutationObserver(() => {
  if (waits) return;
  waits = true;
  setTimeout(() => {
    waits = false;
    const name = `${words.drop_photos} ${words.or_choose}`;
    for (const area of document.querySelectorAll(UNTRANSLATED)) area.setAttribute('aria-label', name);
  }, 200);
}).observe(document.body, { childList: true, subtree: true });
