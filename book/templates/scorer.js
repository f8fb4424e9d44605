// What a search finds first: the book's words, then the library's names, of which many hold the same word.
var Scorer = {
  score: ([page, , , , score]) => score + (/^book\/(\d|glossary)/.test(page) ? 3 : 0),
  objNameMatch: 3,
  objPartialMatch: 2,
  objPrio: { 0: 0, 1: 0, 2: -2 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
