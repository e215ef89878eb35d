export default function (config) {
  const issues = (api) => api.getFilteredByGlob("issues/*.md").sort((a, b) => a.date - b.date);
  config.addCollection("issues", issues);
  config.addCollection("tagList", (api) => [...new Set(issues(api).flatMap((issue) => issue.data.tags))].sort());
  config.addFilter("day", (date) => date.toISOString().slice(0, 10));
  config.addFilter("newest", (list) => list.slice(-20).reverse());
  return { markdownTemplateEngine: false, htmlTemplateEngine: "njk" };
}
