// Not a module: it runs before the first paint, so that the page never flashes in the other theme.
(() => {
  try {
    const theme = localStorage.getItem('mcs.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing for the page shows the system's theme.
  }
})();
