select * from (values ('EUR', 2), ('JPY', 0)) as c (currency, exponent)
