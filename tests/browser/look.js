// What the tests measure on a page as it is painted. Each function returns what is wrong, a line for each thing.
window.look = (() => {
  const STOPS = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  const CONTROLS = 'button, input:not([type=hidden]), select, textarea, .btn, .avatar, .icon, .role, .tag';
  const all = (selector, root = document.body) => [...root.querySelectorAll(selector)];
  const shown = element => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1;
  const called = element => `${element.cloneNode().outerHTML.slice(0, 90)} “${element.textContent.trim().slice(0, 40)}”`;
  const ancestors = element => element.parentElement ? [element.parentElement, ...ancestors(element.parentElement)] : [];
  const style = element => getComputedStyle(element);
  const layer = element => element.closest('dialog, [popover], .toasts, .skip') ?? document.body;
  // Where a reader is: a dialog, a menu, or the page. What lies behind the first two is looked at without them.
  const frontmost = () => ['dialog[open]', '[popover]:popover-open', 'html'].find(selector => document.querySelector(selector));
  const front = () => document.querySelector(frontmost());

  const clips = element => style(element).overflowX !== 'visible' && !element.matches('html, body');
  const cut = (rect, element) => ancestors(element).concat(element).filter(clips).reduce((left, box) => {
    const edge = box.getBoundingClientRect();
    return {
      left: Math.max(left.left, edge.left), right: Math.min(left.right, edge.right),
      top: Math.max(left.top, edge.top), bottom: Math.min(left.bottom, edge.bottom),
    };
  }, rect);

  const texts = root => {
    const found = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const owner = node.parentElement;
      if (!node.data.trim() || owner.closest('script, style, template, select, textarea') || !shown(owner)) continue;
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) found.push({ owner, rect: cut(rect, owner) });
    }
    return found;
  };

  // Painted lines are lower than their boxes: letters of two lines may share a few pixels without touching.
  const core = ({ owner, rect }) => {
    const lean = (rect.bottom - rect.top) / 4;
    return { owner, left: rect.left + 1, right: rect.right - 1, top: rect.top + lean, bottom: rect.bottom - lean };
  };

  const measures = {
    // Each stop of the Tab key has an outline of at least 3 px that nothing clips, and is itself on top.
    stops: () => all(STOPS, front()).filter(shown).filter(stop => stop.tabIndex >= 0).flatMap(stop => {
      stop.focus();
      const { outlineStyle, outlineWidth, outlineOffset } = style(stop);
      const ring = parseFloat(outlineWidth) + parseFloat(outlineOffset), box = stop.getClientRects()[0];
      const wrong = [];
      if (document.activeElement !== stop) wrong.push('takes no focus');
      if (outlineStyle === 'none' || parseFloat(outlineWidth) < 3) wrong.push(`outline ${outlineWidth} ${outlineStyle}`);
      const above = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      if (!stop.contains(above)) wrong.push(`covered by ${above && called(above)}`);
      const whole = { left: box.left - ring, right: box.right + ring, top: box.top - ring, bottom: box.bottom + ring };
      const left = cut(whole, stop.parentElement);
      if (Object.keys(whole).some(side => Math.abs(whole[side] - left[side]) > 1)) wrong.push('outline cut off');
      return wrong.map(what => `${what}: ${called(stop)}`);
    }),

    // Targets are at least 44 pixels wide and high where they are buttons, else 24; links inside a sentence are excepted.
    small: () => all(STOPS, front()).filter(shown).flatMap(target => {
      const size = target.matches('button, .btn, .menu a') ? 44 : 24;
      const { width, height } = target.getBoundingClientRect();
      const inline = target.matches('a') && style(target).display === 'inline';
      return inline || Math.min(width, height) >= size - 0.5 ? [] : [`${width} × ${height}: ${called(target)}`];
    }),

    // Nothing reaches beyond the page, or out of the box that holds it.
    beyond: () => {
      const page = document.documentElement, dialog = document.querySelector('dialog[open]');
      const wide = [page, dialog].filter(Boolean).filter(box => box.scrollWidth > box.clientWidth).map(box => `${box.tagName} scrolls sideways`);
      const out = texts(front()).flatMap(({ owner, rect }) => {
        const box = [owner, ...ancestors(owner)].find(one => !style(one).display.startsWith('inline') && style(one).display !== 'contents');
        if (box.matches('pre')) return [];   // spaces at the end of its lines hang out, unseen
        const edge = box.getBoundingClientRect();
        return rect.right - rect.left > 1 && (rect.left < edge.left - 1 || rect.right > edge.right + 1) ? [`sticks out of ${called(box)}`] : [];
      });
      return [...wide, ...new Set(out)];
    },

    // No text and no control lies on another.
    overlaps: () => {
      const controls = all(CONTROLS, front()).filter(shown).map(owner => ({ owner, rect: cut(owner.getBoundingClientRect(), owner) }));
      const boxes = [...texts(front()), ...controls].map(core).filter(box => box.right > box.left && box.bottom > box.top);
      boxes.sort((a, b) => a.top - b.top);
      const wrong = new Set();
      boxes.forEach((a, i) => {
        for (const b of boxes.slice(i + 1)) {
          if (b.top >= a.bottom) break;
          if (a.owner.contains(b.owner) || b.owner.contains(a.owner) || layer(a.owner) !== layer(b.owner)) continue;
          if (a.left < b.right && b.left < a.right) wrong.add(`${called(a.owner)} and ${called(b.owner)}`);
        }
      });
      return [...wrong];
    },

    // No text is cut off, but where an ellipsis says so.
    clipped: () => all('*', front()).filter(shown).filter(clips).flatMap(box => {
      if (box.matches('input, select, textarea, dialog, svg, .toasts') || style(box).textOverflow === 'ellipsis') return [];
      return box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1 ? [called(box)] : [];
    }),

    // What stays in view while one scrolls leaves most of the height to the page.
    sticky: () => {
      const stays = all('*').filter(shown).filter(box => ['sticky', 'fixed'].includes(style(box).position) && !box.matches('dialog, [popover], .skip'));
      const height = stays.reduce((sum, box) => sum + box.getBoundingClientRect().height, 0);
      return height > innerHeight * 0.3 ? stays.map(box => `${box.getBoundingClientRect().height} of ${innerHeight}: ${called(box)}`) : [];
    },

    // Where a row is a card, each cell says what it is.
    unlabelled: () => innerWidth > 704 ? [] : all('.grid td:not(:first-child)').filter(shown).filter(cell => cell.textContent.trim() && !cell.dataset.label && !cell.matches('.end')).map(called),
  };
  // Ask for several of them by name.
  const ask = names => names.flatMap(name => measures[name]().map(wrong => `${name}: ${wrong}`));
  // WCAG 1.4.12: what a reader may set without losing anything.
  const spacing = new CSSStyleSheet();
  spacing.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-block-end: 2em !important; }`);
  const space = wider => { document.adoptedStyleSheets = wider ? [spacing] : []; };
  return { ask, frontmost, space };
})();
