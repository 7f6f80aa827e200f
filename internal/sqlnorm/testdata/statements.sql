# Statements in groups of variants, one on a line ("\n" is a line break), for the
# comparison with pg_stat_statements. A header names each group: the statements in
# it are called NAME.1, NAME.2 and so on.

# point
select * from t where id = 1
SELECT * FROM t WHERE id = 42
select  *  from t\n where id=7 ;
select * from t where id = -1
select * from T where ID = 99 -- trailing
select /* hint */ * from t where id = 1600

# point_param
select * from t where id = $1
SELECT * FROM t WHERE id = $1
select * from t /* c */ where id = $1;

# point_quoted
select * from "t" where "id" = 1
select * from "t" where "id" = 2

# text
select * from t where b = 'x'
select * from t where b = 'it''s'
select * from t where b = E'it\'s'
select * from t where b = $$it's$$
select * from t where b = $tag$ $$ $tag$
select * from t where b = U&'d\0061t'
select * from t where b = 'a'\n'b'
select * from t where b = 'a' -- c\n  'b'
select * from t where b = n'x'

# bits
select x'1F'
select B'0101'
select b'1'

# bits_or_number
select x'1F', 1
select b'0', 2

# floats
select 1.5 from t
select .5 from t
select 1e10 from t
select 1.5e-3 from t
select 1. from t

# integer
select 1 from t
select 123 from t
select -5 from t
select 2000000000 from t

# bigint
select 5000000000 from t
select 9000000000000000000 from t

# booleans
select true, id from t
select FALSE, id from t

# nulls
select coalesce(null, b) from t
select coalesce('x', b) from t

# is_null
select * from t where a is null
SELECT * FROM t WHERE a IS NULL

# is_not_null
select * from t where a is not null
select * from t where a IS  NOT  NULL

# is_true
select * from t where flag is true
select * from t where flag IS TRUE

# is_false
select * from t where flag is false

# is_not_true
select * from t where flag is not true

# flag_const
select * from t where flag = true
select * from t where flag = false

# in_two
select * from t where id in (1, 2)
select * from t where id in (30,40)
select * from t where id IN ( 5 , 6 )

# in_five
select * from t where id in (1,2,3,4,5)
select * from t where id in (10,20,30,40,50)

# in_one
select * from t where id in (1)
select * from t where id in (22)

# in_text
select * from t where b in ('a','b')
select * from t where b in ('a','b','c')

# in_params
select * from t where id in ($1, $2)
select * from t where id in ($1,$2)

# in_params_more
select * from t where id in ($1, $2, $3)

# in_and_more
select * from t where id in (1,2,3) and b = 'x' limit 10
select * from t where id in (4,5,6) and b = 'y' limit 20

# not_in
select * from t where id not in (1,2,3)
select * from t where id not in (1,2,3,4)

# any_array
select * from t where id = any(array[1,2,3])
select * from t where id = ANY (ARRAY[4,5,6])

# any_array_more
select * from t where id = any(array[1,2,3,4])

# any_literal
select * from t where id = any('{1,2,3}')
select * from t where id = any('{1,2,3,4,5}')

# any_param
select * from t where id = any($1)
select * from t where id = ANY($1)

# between
select * from t where id between 1 and 10
select * from t where id BETWEEN -5 AND 10

# like
select * from t where b like '%x%'
select * from t where b LIKE 'y%'

# not_like
select * from t where b not like '%x%'
select * from t where b NOT LIKE 'y%'

# ilike
select * from t where b ilike '%x%'
select * from t where b ILIKE 'Z'

# regex
select * from t where b ~* 'x.*'
select * from t where b ~* '^y$'

# not_equal
select * from t where id <> 1
select * from t where id <> 2

# not_equal_c
select * from t where id != 1
select * from t where id != 2

# minus
select id-1 from t
select id - 2 from t
select id -3 from t

# minus_negative
select id - -1 from t

# plus
select id + 1 from t
select id+2 from t

# unary_minus_column
select -id from t
select - id from t

# unary_plus
select +1 from t
select +2 from t

# case
select case when a > 1 then 'x' else 'y' end from t
select CASE WHEN a > 20 THEN 'foo' ELSE 'bar' END from t

# case_two
select case when a > 1 then 'x' when a > 2 then 'z' else 'y' end from t

# case_simple
select case a when 1 then 'x' when -2 then 'y' end from t
select case a when -1 then 'x' when 2 then 'y' end from t

# join
select t.id, u.v from t join u on u.t_id = t.id where u.v = 'x'
select t.id, u.v from t JOIN u ON u.t_id = t.id WHERE u.v = 'y'
select t.id, u.v from t inner join u on u.t_id = t.id where u.v = 'y'

# join_left
select t.id, u.v from t left join u on u.t_id = t.id where u.v = 'x'
select t.id, u.v from t left outer join u on u.t_id = t.id where u.v = 'x'

# alias
select x.id from t x where x.id = 1
select x.id from t x where x.id = 2

# alias_as
select x.id from t as x where x.id = 1

# alias_other
select y.id from t y where y.id = 1

# columns
select id, a from t where id = 1
select t.id, a from t where id = 1

# columns_swapped
select a, id from t where id = 1

# order
select * from t order by a limit 10
select * from t ORDER BY a LIMIT 20

# order_asc
select * from t order by a asc limit 10

# order_desc
select * from t order by a desc limit 10

# order_offset
select * from t order by a limit 10 offset 20
select * from t order by a limit 1 offset 0
select * from t order by a limit $1 offset $2
select * from t order by a offset 5 limit 1

# order_position
select id, a from t order by 1
select id, a from t order by 2

# group_position
select a, b, count(*) from t group by 1, 2
select a, b, count(*) from t group by 2, 1

# group
select a, count(*) from t group by a having count(*) > 1
select a, count(*) from t group by a HAVING COUNT(*) > 100

# count_distinct
select count(distinct a) from t where b = 'x'
select count(DISTINCT a) from t where b = 'yy'

# aggregate_filter
select count(*) filter (where a > 5) from t
select count(*) FILTER (WHERE a > 50) from t

# window
select sum(a) over (partition by b order by id rows between 1 preceding and current row) from t
select sum(a) over (partition by b order by id rows between 2 preceding and current row) from t

# percentile
select percentile_cont(0.5) within group (order by a) from t
select percentile_cont(0.99) within group (order by a) from t

# subquery
select * from t where id in (select t_id from u where v = 'x')
select * from t where id in (select t_id from u where v = 'yy')

# exists
select * from t where exists (select 1 from u where u.t_id = t.id and v = 'x')
select * from t where EXISTS (SELECT 2 FROM u WHERE u.t_id = t.id AND v = 'y')

# cte
with x as (select id from t where a = 1) select * from x
WITH x AS (SELECT id FROM t WHERE a = 2) SELECT * FROM x

# cte_recursive
with recursive c(n) as (select 1 union all select n+1 from c where n < 10) select sum(n) from c
with recursive c(n) as (select 2 union all select n+2 from c where n < 20) select sum(n) from c

# union_all
select id from t where a = 1 union all select t_id from u where v = 'x'
select id from t where a = 2 union all select t_id from u where v = 'y'

# union
select id from t where a = 1 union select t_id from u where v = 'x'

# parens
(select id from t where a = 1)
(select id from t where a = 2);

# cast
select '5'::int
select '6'::int
select '7' :: int

# cast_function
select cast('5' as int)
select cast('6' as int)

# cast_column
select a::text from t
select a :: text from t

# typed_date
select date '2020-01-01'
select date '2021-02-03'

# typed_date_cast
select '2020-01-01'::date
select '2020-01-02'::date

# interval
select * from t where ts > now() - interval '1 day'
select * from t where ts > now() - interval '2 hours'
select * from t where ts > NOW() - INTERVAL '3 days'

# interval_unit
select interval '1' day
select interval '2' day

# interval_unit_hour
select interval '1' hour

# varchar
select 'abc'::varchar(2)
select 'abc'::varchar(3)

# numeric_precision
select c::numeric(10,2) from t
select c::numeric(12,4) from t

# json_arrow
select j->'a' from t
select j -> 'b' from t
select j->>'a' from t

# json_index
select j->0 from t
select j->1 from t

# json_contains
select * from t where j @> '{"a": 1}'
select * from t where j @> '{"b": [1,2,3]}'

# json_has
select * from t where j ? 'key'
select * from t where j ? 'other'

# json_path
select * from t where j #>> '{a,b}' = 'x'
select * from t where j #>> '{c}' = 'y'

# array_subscript
select arr[1] from t
select arr[2] from t

# array_slice
select arr[1:2] from t
select arr[2:5] from t

# array_constructor
select array[1,2,3] from t
select array[4,5,6] from t

# array_constructor_two
select array[1,2] from t

# array_mixed
select array[a, 1] from t
select array[a, 2] from t

# row_compare
select * from t where (id, a) = (1, 2)
select * from t where (id, a) = (30, 40)

# row_in
select * from t where (id, a) in ((1,2),(3,4))
select * from t where (id, a) in ((5,6),(7,8))

# function_args
select substring(b, 1, 2) from t
select substring(b, 3, 40) from t

# function_args_three
select concat(b, 'x', 'y') from t
select concat(b, 'foo', 'bar') from t

# function_args_four
select concat(b, 'x', 'y', 'z') from t

# function_named
select make_interval(days => 1)
select make_interval(days => 20)

# extract
select extract(year from ts) from t
select extract(YEAR from ts) from t

# extract_month
select extract(month from ts) from t

# coalesce
select coalesce(a, 0) from t
select coalesce(a, -1) from t

# greatest
select greatest(a, 1, 2) from t
select greatest(a, 3, 4) from t

# concat_operator
select b || 'x' from t
select b||'y' from t

# at_time_zone
select ts at time zone 'UTC' from t
select ts AT TIME ZONE 'Europe/Berlin' from t

# insert
insert into t (id, b) values (1, 'x')
INSERT INTO t (id, b) VALUES (2, 'yy')
insert into t(id,b) values(3,null)

# insert_params
insert into t (id, b) values ($1, $2)
INSERT INTO t(id, b) VALUES ($1, $2)

# insert_two
insert into t (id, b) values (1, 'x'), (2, 'y')
insert into t (id, b) values (3, 'z'), (4, 'w')

# insert_three
insert into t (id, b) values (1, 'x'), (2, 'y'), (3, 'z')

# insert_default
insert into t (id, b) values (default, 'x')
insert into t (id, b) values (DEFAULT, 'y')

# insert_default_values
insert into t default values

# insert_returning
insert into t (id) values (1) returning id
insert into t (id) values (2) RETURNING id

# insert_select
insert into u (id) select id from t where a = 1
insert into u (id) select id from t where a = 2

# insert_conflict
insert into k (id, v) values (1, 'x') on conflict (id) do update set v = excluded.v
insert into k (id, v) values (2, 'y') on conflict (id) do update set v = excluded.v

# insert_conflict_nothing
insert into k (id, v) values (1, 'x') on conflict do nothing
insert into k (id, v) values (7, 'y') ON CONFLICT DO NOTHING

# insert_now
insert into t (id, ts) values (1, now()), (2, now())
insert into t (id, ts) values (3, now()), (4, now())

# update
update t set a = 1, b = 'x' where id = 1
UPDATE t SET a = 2, b = 'y' WHERE id = 2

# update_null
update t set a = null where id = 1
update t set a = NULL where id = 2

# update_expression
update t set a = a + 1 where id = 1
update t set a = a + 10 where id = 2

# update_params
update t set a = a + $1 where id = $2
UPDATE t SET a = a + $1 WHERE id = $2

# update_params_swapped
update t set a = a + $2 where id = $1

# update_from
update t set b = u.v from u where u.t_id = t.id and u.v = 'x'
update t set b = u.v from u where u.t_id = t.id and u.v = 'yy'

# delete
delete from t where id = 1
DELETE FROM t WHERE id = 2
delete from t where id = - 3

# delete_using
delete from t using u where u.t_id = t.id and u.v = 'x'
delete from t using u where u.t_id = t.id and u.v = 'y'

# delete_all
delete from t

# merge
merge into k using (values (1, 'x')) as s(id, v) on k.id = s.id when matched then update set v = s.v when not matched then insert values (s.id, s.v)
merge into k using (values (2, 'y')) as s(id, v) on k.id = s.id when matched then update set v = s.v when not matched then insert values (s.id, s.v)

# values
values (1, 'x'), (2, 'y')
VALUES (3, 'z'), (4, 'w')

# values_three
values (1, 'x'), (2, 'y'), (3, 'z')

# values_one
values (1, 'x')
values (2, 'y')

# table
table t
TABLE t

# select_all
select * from t

# mixed_params
select * from t where id = $1 and b = 'x'
select * from t where id = $1 and b = 'y'

# param_twice
select * from t where id = $1 or a = $1
select * from t where id = $1 OR a = $1

# params_two
select * from t where id = $1 or a = $2

# param_cast
select * from t where id = $1::int4 and b = $2
select * from t where id = $1 :: int4 and b = $2

# schema
select * from public.t where id = 1
select * from public . t where id = 2

# camel
select "Id" from "Camel" where "Name" = 'x'
select "Id" from "Camel" where "Name" = 'yy'

# camel_alias
select "Id" as "select" from "Camel"
select "Id" AS "select" FROM "Camel"

# for_update
select * from t where id = 1 for update
select * from t where id = 2 FOR UPDATE

# for_share
select * from t where id = 1 for share

# distinct
select distinct a from t where id > 1
select DISTINCT a from t where id > 2

# distinct_on
select distinct on (a) a, b from t where id > 1 order by a, b
select distinct on (a) a, b from t where id > 2 order by a, b

# lateral
select * from t, lateral (select v from u where u.t_id = t.id limit 1) x
select * from t, lateral (select v from u where u.t_id = t.id limit 2) x

# generate_series
select * from generate_series(1, 10)
select * from generate_series(1, 100)

# tablesample
select * from t tablesample bernoulli (10)
select * from t tablesample bernoulli (20)

# empty_select
select 'x' as label, count(*) from t
select 'y' as label, count(*) from t

# label_other
select 'x' as other, count(*) from t

# without_label
select a = 1 from t
select a = 2 from t

# negative_cast
select -1::int
select -2::int

# power
select 2 ^ 3
select 4 ^ 5

# negative_power
select -2 ^ 3

# comparison_chain
select * from t where a > 1 and a < 10 or not a = 5
select * from t where a > 2 and a < 20 or not a = 6

# not_true
select not true
select not false

# not_null
select not null

# distinct_from
select * from t where a is distinct from 1
select * from t where a is distinct from 2

# text_search
select * from t where to_tsvector('english', b) @@ to_tsquery('a & b')
select * from t where to_tsvector('simple', b) @@ to_tsquery('c')

# grouping_sets
select a, b, count(*) from t group by grouping sets ((a), (b), ())
select a, b, count(*) from t group by GROUPING SETS ((a), (b), ())

# xml
select nullif(a, 1) from t
select nullif(a, 2) from t

# begin
begin
BEGIN
begin;

# commit
commit
COMMIT

# begin_isolation
begin isolation level serializable
rollback
ROLLBACK

# savepoint
begin
savepoint a
savepoint b
release savepoint b
rollback to savepoint a
rollback

# set
set work_mem = '4MB'
set work_mem = '8MB'
SET work_mem TO '8MB'

# set_other
set statement_timeout = 0
set statement_timeout = 1000

# show
show work_mem
SHOW work_mem

# create_table
create table x1 (id int default 5, v varchar(10) default 'x')
drop table x1
create table x1 (id int default 6, v varchar(10) default 'y')
drop table x1;

# create_role
create role r1 password 'secret'
alter role r1 password 'other'
alter role r1 password 'third'
drop role r1

# cursor
begin
declare c1 cursor for select * from t where id = 1
fetch 10 from c1
fetch 20 from c1
close c1
commit

# do
do $$ begin perform 1; end $$
do $x$ begin perform 2; end $x$

# explain
explain select * from t where id = 1
explain select * from t where id = 2

# call
call p(1)
call p(2)
