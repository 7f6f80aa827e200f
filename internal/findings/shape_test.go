package findings

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// expressions are the shapes as regular expressions, which take too long for the program.
var expressions = []struct {
	mapper mapper
	shape  *regexp.Regexp
	shared bool // what is selected must be called by table and column
}{
	{activeRecord, regexp.MustCompile(`^select "(\w+)"\.\* from "\w+"`), false},
	{prisma, regexp.MustCompile(`^(select|insert into|update|delete from) "public"\."\w+"`), false},
	{typeORM, regexp.MustCompile(`^select "\w+"\."\w+" as "\w+", "\w+"\."\w+" as "\w+"`), true},
	{sequelize, regexp.MustCompile(`^select .* from "\w+" as "\w+"( where \(?"\w+"\."\w+"| order by| limit|$)`), false},
	{hibernate, regexp.MustCompile(`^select (distinct )?[a-z]+[0-9]_0\.\w+|^select \w+[0-9]_\.\w+ as \w+_[0-9]+_`), false},
	{sqlAlchemy, regexp.MustCompile(`^select \w+\.\w+ as \w+, \w+\.\w+ as \w+`), true},
	{sqlAlchemy, regexp.MustCompile(`^savepoint sa_savepoint_[0-9]`), false},
	{django, regexp.MustCompile(`^select "\w+_\w+"\."id", "\w+_\w+"\."\w+"`), false},
	{gorm, regexp.MustCompile(`^select \* from "(\w+)" where .*order by "\w+"\."id" limit \$[0-9]+$|"\w+"\."deleted_at" is null`), false},
	{laravel, regexp.MustCompile(`^select \* from "\w+" where "\w+"\."\w+" = \$[0-9]+ and "\w+"\."\w+" is not null`), false},
}

func expressed(text string) mapper {
	for _, e := range expressions {
		if e.shape.MatchString(text) && (!e.shared || sharedName(text)) {
			return e.mapper
		}
	}
	return unknownMapper
}

// pieces are what texts of mappers are made of, and what is nearly so.
var pieces = []string{
	`select `, `distinct `, `"public"`, `."a"`, `"a_b"."id"`, `, `, `"c_d"."e"`, `"a"."b" as "a_b"`, `a.b as a_b`, `.*`, `*`, ` from `, `"t"`, ` as `,
	` where `, `(`, `"t"."id"`, ` = $1`, ` and `, ` is not null`, ` order by `, ` limit $1`, `"."deleted_at" is null`, `"x`, `o1_0.id`, `order0_.id as id1_0_`,
	`ab12_0.x`, `x_._`, `_1_`, `1`, `_`, `insert into `, `update `, `delete from `, `savepoint sa_savepoint_`, `"t" as "T"`, "$", ` `, `9`, "é",
}

// Texts are matched as by the expressions.
func TestShapes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	known := []string{
		`select "authors".* from "authors" order by`, `select "public"."User"."id", "public"`, `update "public"."x" set`,
		`select "user"."id" as "user_id", "user"."name" as "user_name" from`, `select "id" from "Posts" as "Post" where "Post"."userId" = $1`,
		`select o1_0.id, o1_0.name from orders o1_0`, `select order0_.id as id1_0_, x`, `select a.b as a_b, a.c as a_c from a`,
		`select "blog_author"."id", "blog_author"."name" from "blog_author"`, `select * from "users" where x order by "users"."id" limit $2`,
		`select * from "posts" where "posts"."user_id" = $1 and "posts"."user_id" is not null`, `update "x" set y where "x"."deleted_at" is null`,
	}
	met := map[mapper]int{}
	for range 200_000 {
		text := known[random.IntN(len(known))]
		if random.IntN(2) == 0 {
			var b strings.Builder
			for range 1 + random.IntN(8) {
				b.WriteString(pieces[random.IntN(len(pieces))])
			}
			text = b.String()
		}
		for range random.IntN(3) {
			i, piece := random.IntN(len(text)+1), pieces[random.IntN(len(pieces))]
			text = text[:i] + piece + text[min(i+random.IntN(3), len(text)):]
		}
		got, want := mapperOf(text), expressed(text)
		if got != want {
			t.Fatalf("%q: mapper %d, want %d", text, got, want)
		}
		met[got]++
		if columns := djangoColumns.MatchString(text); columns != listsColumns(text) {
			t.Fatalf("%q: columns: %t", text, !columns)
		}
	}
	for m := django; m <= laravel; m++ {
		if met[m] < 100 {
			t.Errorf("mapper %d was met %d times only", m, met[m])
		}
	}
}

var djangoColumns = regexp.MustCompile(`^select "\w+"\."\w+", "\w+"\."\w+"(, "\w+"\."\w+")* from "\w+"( |$)`)
