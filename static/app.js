// What signed-in pages need beyond htmx: a busy mark, focus that is never lost, dialogs, live updates.
// Every page works without it.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const byId = id => document.getElementById(id);
  const element = target => typeof target === 'string' ? one(target) : target;
  const tab = crypto.getRandomValues(new Uint32Array(2)).join('-');           // tells our own changes from others'

  // 1. Busy: the pressed button and the region that will change. Never `disabled`, which drops focus to <body>.
  const busy = new WeakMap();
  document.addEventListener('htmx:config:request', ({ detail: { ctx } }) => { ctx.request.headers['X-Tab'] = tab; });
  document.addEventListener('htmx:before:request', ({ detail: { ctx } }) => {
    const source = ctx.sourceElement, target = element(ctx.target), focused = document.activeElement;
    const button = source.matches('form[method=post]') ? ctx.request.submitter ?? one('button:not([type=button])', source)
      : source.matches('.btn') ? source : null;
    const marked = [button, target?.closest('.region')].filter(Boolean);
    marked.forEach(mark => mark.setAttribute('aria-busy', 'true'));
    busy.set(ctx, marked);
    if (!source.closest('dialog')) opener = source.contains(focused) ? focused : source;
  });
  document.addEventListener('htmx:finally:request', ({ detail: { ctx } }) => {
    busy.get(ctx)?.forEach(mark => mark.removeAttribute('aria-busy'));
  });

  // 2. Focus: the server says where, with `autofocus`; htmx keeps it on the same id. Where both fail it goes to what
  //    opened the dialog or sent the request, by id, for that may have been swapped as well; and last to the heading.
  let opener = null;
  const refocus = () => {
    const focused = document.activeElement;
    if (!opener || focused && focused !== document.body) return;
    const again = opener.isConnected ? opener : byId(opener.id);
    const place = again || one('main [autofocus]') || one('main h1') || one('main');
    if (place.matches('h1, main')) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  };

  // The title says that something is wrong, and which page of a list this is, as the page's own does.
  const retitle = () => {
    const place = one('main .pager')?.dataset.page ?? '';
    const title = document.title.replace(/^Error: /, '').replace(/ \(page .+?\)/, place);
    document.title = one('main .summary, dialog .summary') ? 'Error: ' + title : title;
  };

  // 3. Dialogs come as fragments into #slot, instead of the pages that their links lead to, open themselves, and go when
  //    they close. A POST inside one that succeeded and changed something outside it closes it. The page behind is inert, so what went wrong shows in the dialog: the
  //    form with its errors takes the dialog's place, and notes and toasts go to its own notices.
  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => {
    const dialog = ctx.sourceElement.closest('dialog');
    if (!dialog || ctx.response.status < 400) return;
    if (['#notices', '#toasts'].includes(ctx.hx.retarget)) ctx.hx.retarget = one('.notices', dialog);
    else ctx.hx.retarget = byId('slot');
    ctx.hx.reswap = 'innerHTML';
  });
  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => {
    const fresh = one('dialog[data-open]:not([open])');
    const around = ctx.sourceElement?.closest('dialog');
    const done = ctx.request.method === 'POST' && ctx.response?.status < 300 && !around?.contains(element(ctx.target));
    if (fresh) fresh.showModal();
    else if (around && done) around.close();
    retitle();
    if (ctx.request.method) setTimeout(refocus);                              // what the page does by itself moves no focus
  });
  document.addEventListener('close', event => {
    if (event.target.closest('#slot')) { event.target.remove(); retitle(); refocus(); }
  }, true);
  document.addEventListener('click', event => {
    const link = event.target.closest('[data-dialog]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (!link.ariaBusy) htmx.ajax('GET', link.href, { source: link, target: '#slot' });
  });
  document.addEventListener('click', event => {
    const dialog = event.target.closest('[data-close]')?.closest('dialog');
    if (dialog) { event.preventDefault(); dialog.close(); }
  });
  // A menu closes when the focus leaves it, so that it never covers what has the focus.
  document.addEventListener('focusin', ({ target }) => {
    const menu = one('.menu:popover-open');
    if (menu && !menu.contains(target) && target.getAttribute('popovertarget') !== menu.id) menu.hidePopover();
  });

  // 4. What never reached the server is told where the reader is; a list that stayed says of when it is.
  let drawn = performance.timeOrigin;
  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => { if (element(ctx.target)?.matches('.region')) drawn = Date.now(); });
  const notLoaded = ctx => {
    const list = ctx?.request.method === 'GET' && element(ctx.target)?.closest('.region');
    if (!list) return;
    const note = byId('not-loaded').content.cloneNode(true);
    const time = one('time', note), { zone: timeZone } = time.dataset;
    time.textContent = new Date(drawn)
      .toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone, timeZoneName: 'short' });
    one('button', note).onclick = () => {
      (one('input', ctx.sourceElement) ?? ctx.sourceElement).focus();
      htmx.ajax('GET', ctx.request.action, { source: ctx.sourceElement, target: list });
    };
    one('[data-not-loaded]', list)?.remove();
    list.prepend(note);
  };
  document.addEventListener('htmx:error', ({ detail: { ctx, error } }) => {
    if (error?.name === 'AbortError') return;
    (one('dialog[open] .notices') ?? byId('toasts')).append(byId('unreachable').content.cloneNode(true));
    notLoaded(ctx);
  });
  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => { if (ctx.response.status >= 500) notLoaded(ctx); });

  // 5. Live: one stream for the visible page tells topics, and what shows them looks again, at its own address and with
  //    the reader's own rights, saying which version it has. What somebody types, reads or has open never moves.
  const listens = one('meta[name=live]')?.content;
  if (!listens) return;
  const held = new Set(), looks = new Map(), waiting = new Set();
  const hears = (place, topic) => topic === 'resync'
    || place.dataset.live.split(' ').some(name => topic === name || topic.startsWith(name + '.'));

  const changed = field => field.matches('[type=radio], [type=checkbox]') ? field.checked !== field.defaultChecked
    : field.matches('select') ? [...field.options].some(option => option.selected !== option.defaultSelected)
    : 'defaultValue' in field && field.type !== 'hidden' && field.value !== field.defaultValue;
  const typing = () => document.activeElement?.matches('input:not([type=radio], [type=checkbox]), textarea, select');
  const touched = place => [...place.querySelectorAll('form[method=post]')].some(form => [...form.elements].some(changed));
  const isStill = place => place.matches('dialog, [data-still]') || one('dialog[open], :popover-open') || typing()
    || one('details[open], .summary, .note[tabindex]', place) || touched(place);

  // How many rows say something else now. Times pass by themselves.
  const rows = root => new Map([...root.querySelectorAll('tr[id]')].map(row => [row.id, said(row)]));
  const said = row => {
    const copy = row.cloneNode(true);
    copy.querySelectorAll('time').forEach(time => time.remove());
    return copy.textContent.replace(/\s+/g, ' ');
  };
  const differing = (before, after) => {
    const fresh = [...after.keys()].filter(id => before.get(id) !== after.get(id));
    return { fresh, n: fresh.length || [...before.keys()].filter(id => !after.has(id)).length };
  };
  const words = (place, n) => {
    const { one: single, many } = (one('[data-one]', place) ?? place).dataset;
    return !n || !single ? 'This page changed.' : n === 1 ? single : many.replace('{n}', n);
  };

  // At most one polite sentence in ten seconds, whatever happens elsewhere.
  let spoke = 0, speaking;
  const say = sentence => {
    clearTimeout(speaking);
    speaking = setTimeout(() => { spoke = Date.now(); byId('heard').textContent = sentence; }, Math.max(0, spoke + 10000 - Date.now()));
  };

  // A dialog says it inside: what lies over the page lies under it.
  const hold = (place, sentence) => {
    const inside = place.matches('dialog');
    if (inside && !one('.latest', place)) one('.notices', place).append(Object.assign(byId('latest').cloneNode(true), { id: '' }));
    const latest = inside ? one('.latest', place) : byId('latest');
    one('span', latest).textContent = sentence;
    latest.hidden = false;
    if (!inside) held.add(place.id);
    say(sentence);
  };
  const release = id => {
    held.delete(id);
    if (!held.size) byId('latest').hidden = true;
  };

  const marked = new Map();                                                    // rows that others changed a moment ago
  const unmark = id => { marked.delete(id); byId(id)?.classList.remove('changed'); };
  const swap = (text, target, style, more) => htmx.swap({ text, target, swap: style, sourceElement: document.body, request: {}, hx: {}, ...more });
  const show = async (place, text) => {
    const before = rows(place), focus = document.activeElement;
    release(place.id);
    if (place.matches('dialog')) return swap(text, byId('slot'), 'innerHTML');
    byId('count')?.setAttribute('aria-live', 'off');                           // it speaks to whoever searched
    if (place.matches('main')) {
      const kept = [...place.querySelectorAll('[data-still]')];                // they ask before they move
      kept.forEach(part => part.setAttribute('hx-morph-skip', ''));
      await swap(text, one('body > header'), 'outerMorph', { select: 'body > header' });
      await swap(text, place, 'outerMorph', { select: 'main' });
      kept.forEach(part => part.removeAttribute('hx-morph-skip'));
    } else await swap(text, place, 'outerMorph');
    const { fresh, n } = differing(before, rows(byId(place.id)));
    for (const id of fresh) {
      clearTimeout(marked.get(id));
      marked.set(id, setTimeout(unmark, 6000, id));
    }
    for (const id of marked.keys()) byId(id)?.classList.add('changed');
    if (n) say(words(byId(place.id), n));
    if (focus.isConnected) return;
    opener = focus;                                                           // what had it is gone
    refocus();
  };

  const look = async (id, now = false) => {
    const place = byId(id), whole = place?.matches('main');
    if (!place) return release(id);
    const turn = Symbol();
    looks.set(id, turn);
    const part = { 'HX-Request': 'true', 'If-None-Match': now ? '' : place.dataset.version };
    const headers = { 'X-Refresh': '1', 'X-Tab': tab, ...!whole && part };
    const answer = await fetch(place.dataset.from ?? location.href, { headers }).catch(() => null);
    const text = await answer?.text().catch(() => null);
    if (looks.get(id) !== turn) return;                                        // a later look, or the reader, was faster
    looks.delete(id);
    if (!text || answer.status >= 500) return;
    if (answer.status === 401) return ended('logged-out');
    if (!whole && !answer.ok) return look('main', now);                        // it is not there any more, or not for us
    if (now || !isStill(place)) return show(place, text);
    const { n } = differing(rows(place), rows(new DOMParser().parseFromString(text, 'text/html')));
    hold(place, words(place, n));
  };
  const soon = (id, within) => {
    if (waiting.has(id)) return;
    waiting.add(id);
    setTimeout(() => { waiting.delete(id); look(id); }, 50 + Math.random() * within);
  };
  const change = ({ topic, within }) => {
    const places = [...document.querySelectorAll('[data-live]')].filter(place => hears(place, topic));
    const whole = places.some(place => place.matches('main'));
    for (const place of whole ? places.filter(place => place.matches('main, [data-still]')) : places) soon(place.id, within);
  };
  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => {      // what the reader did overtakes a look
    const target = ctx.request.method && element(ctx.target);
    for (const id of looks.keys()) if (target && byId(id)?.contains(target)) { looks.delete(id); soon(id, 0); }
  });
  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => {   // a refusal: one's role was lowered meanwhile
    if (ctx.response.status === 403) look('main', !touched(byId('main')));
  });
  document.addEventListener('click', event => {
    const latest = event.target.closest('.latest'), dialog = latest?.closest('dialog');
    latest?.blur();
    if (latest) for (const id of dialog ? [dialog.id] : held) look(id, true);
  });

  // The stream itself. It begins where the page was drawn, and again where it broke off.
  const url = new URL(listens, location);
  let stream, lost, silent, retry, wait = 1000, over = false;
  const offline = shown => { byId('offline').hidden = !shown; };
  const open = () => {
    if (stream || over || document.hidden) return;
    stream = new EventSource(url);
    lost ??= setTimeout(offline, 5000, true);
    expect();
    stream.onopen = () => { clearTimeout(lost); lost = null; wait = 1000; offline(false); };
    const heard = handle => event => { expect(); url.searchParams.set('since', event.lastEventId); handle(JSON.parse(event.data)); };
    stream.addEventListener('change', heard(told => { if (told.tab !== tab) change(told); }));
    stream.addEventListener('beat', heard(() => {}));
    // Another tab may just have changed the password, and have a new session for this browser.
    stream.addEventListener('bye', heard(({ why }) => why === 'logged-out' ? later(ask, 500) : ended(why)));
    stream.onerror = () => {
      lost ??= setTimeout(offline, 5000, true);
      if (stream?.readyState === EventSource.CLOSED) later(ask, 0);           // else the browser tries again itself
    };
  };
  // A beat comes every 20 seconds: a line on which nothing does is dead, also where nobody hung up.
  const expect = () => {
    clearTimeout(silent);
    silent = setTimeout(() => { close(); open(); }, 25000);
  };
  const later = (act, ms) => { close(); retry = setTimeout(act, ms); };
  const ask = async () => {                                                   // why did the server refuse?
    const answer = await fetch(url, { headers: { 'X-Refresh': '1' } }).catch(() => null);
    if (answer?.status === 401) return ended('logged-out');
    if ([403, 404].includes(answer?.status)) return ended('gone');
    later(open, wait + Math.random() * wait);
    wait = Math.min(wait * 2, 30000);
  };
  const close = () => { clearTimeout(retry); clearTimeout(silent); stream?.close(); stream = null; };
  const ended = why => {
    if (over) return;
    over = true;
    close();
    clearTimeout(lost);
    offline(false);
    byId('latest').hidden = true;
    const says = byId('ended-' + why) ?? byId('ended'), note = says.content.cloneNode(true);
    const login = one('[data-next]', note);
    if (why in says.dataset) one('strong', note).textContent = says.dataset[why];
    if (login) login.search = new URLSearchParams({ next: location.pathname + location.search });
    say(note.textContent);
    one('dialog[open] .notices')?.append(note.cloneNode(true));               // which lies over what is told outside
    byId('news').append(note);
  };

  // Browsers allow six connections to a host: a tab that nobody looks at gives its own back.
  document.addEventListener('visibilitychange', () => document.hidden ? setTimeout(() => document.hidden && close(), 1000) : open());
  addEventListener('online', () => { close(); open(); });
  addEventListener('pagehide', close);
  addEventListener('pageshow', event => { if (event.persisted) open(); });
  open();
})();
