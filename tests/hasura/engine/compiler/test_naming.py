"""The `graphql-default` naming convention, from fields to answers."""

from hasura.engine.names import NamingConvention, camel_case, pascal_case
from tests.hasura.engine.compiler.conftest import Compiler
from tests.hasura.engine.compiler.shop import shop


def test_words_are_joined_in_camel_and_pascal_case() -> None:
    assert camel_case("published_at") == "publishedAt"
    assert camel_case("publishedAt") == "publishedAt"
    assert pascal_case("article_bool_exp") == "ArticleBoolExp"


def test_requests_use_camel_case_throughout(compiler: Compiler) -> None:
    outcome = compiler.run(
        """query ($where: ArticleBoolExp) {
          article(where: $where, orderBy: {publishedAt: DESC_NULLS_LAST}, limit: 1) { publishedAt isPublished }
          articleAggregate(distinctOn: authorId, orderBy: {authorId: ASC}) { aggregate { count } }
          authorByPk(id: 1) { articlesAggregate { aggregate { stddevPop { likes } } } }
        }""",
        variables={"where": {"isPublished": {"_eq": True}}},
        cache=shop(convention=NamingConvention.GRAPHQL_DEFAULT),
    )

    assert outcome.body == {
        "data": {
            "article": [{"publishedAt": "2024-03-01T00:00:00+00:00", "isPublished": True}],
            "articleAggregate": {"aggregate": {"count": 3}},
            "authorByPk": {"articlesAggregate": {"aggregate": {"stddevPop": {"likes": 3.5}}}},
        }
    }


def test_mutations_use_camel_case_throughout(compiler: Compiler) -> None:
    outcome = compiler.run(
        """mutation ($rows: [ArticleInsertInput!]!) {
          insertArticle(objects: $rows, onConflict: {constraint: article_pkey, updateColumns: [isPublished]}) {
            affectedRows returning { title isPublished author { name } }
          }
          updateArticleByPk(pkColumns: {id: 1}, _set: {authorId: 2}) { authorId }
        }""",
        variables={"rows": [{"title": "New", "isPublished": True, "authorId": 1}]},
        cache=shop(convention=NamingConvention.GRAPHQL_DEFAULT),
    )

    assert outcome.body == {
        "data": {
            "insertArticle": {
                "affectedRows": 1,
                "returning": [{"title": "New", "isPublished": True, "author": {"name": "Ada"}}],
            },
            "updateArticleByPk": {"authorId": 2},
        }
    }


def test_operators_use_camel_case_behind_their_underscore(compiler: Compiler) -> None:
    outcome = compiler.run(
        """{ author(where: {age: {_isNull: false},
               profile: {_hasKeysAny: ["home"], _containedIn: {home: {town: "Oslo"}}}}) { name } }""",
        cache=shop(convention=NamingConvention.GRAPHQL_DEFAULT),
    )
    written = compiler.run(
        """mutation { updateAuthor(where: {id: {_eq: 1}}, _deleteAtPath: {profile: ["home", "town"]}) {
          returning { profile } } }""",
        cache=shop(convention=NamingConvention.GRAPHQL_DEFAULT),
    )

    assert outcome.body == {"data": {"author": [{"name": "Ben"}]}}
    assert written.body["data"]["updateAuthor"]["returning"] == [{"profile": {"home": {}, "langs": ["en", "fr"]}}]


def test_wide_numbers_are_text_where_the_server_is_set_so(compiler: Compiler) -> None:
    outcome = compiler.run(
        "{ article_by_pk(id: 1) { id likes price } article_aggregate { aggregate { count sum { likes } } } }",
        cache=shop(stringify=True),
    )

    assert outcome.body == {
        "data": {
            "article_by_pk": {"id": 1, "likes": "10", "price": "1.50"},
            "article_aggregate": {"aggregate": {"count": 4, "sum": {"likes": "21"}}},
        }
    }
