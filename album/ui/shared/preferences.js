// Language and theme, chosen by hand. `early_head.html` applies both before the page starts.
// `element` is the component of this script, which also defines WORDS and LANGUAGES.

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
