"""Invented exports of Shopify, Stripe and Square: the shapes and signs of the real ones, their variants and defects."""

# ruff: noqa: E501 - lines of files are as long as they are

SHOPIFY_ORDERS = '''Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Notes,Payment Method,Payment Reference,Refunded Amount,Outstanding Balance,Location,Id,Source,Payment ID
#C2001,k@example.test,paid,2026-03-03 21:10:40 -0500,USD,95.00,4.50,7.60,107.10,10.00,2026-03-03 21:09:55 -0500,3,"Cedar bowl, ""wide""",25.00,CB-W,"Ring twice,
please",Shopify Payments,,0.00,0.00,,71200001,web,rC2001.1
#C2001,,,,,,,,,,,2,Sea salt 500 g,15.00,SS-500,,,,,,,,,
#C2002,l@example.test,partially_refunded,2026-03-01 09:03:12 -0500,USD,40.00,0.00,3.20,43.20,0.00,2026-03-01 09:02:41 -0500,2,Linen napkin,20.00,LN-1,,Shopify Payments + Gift Card,,12.00,0.00,Pier 9,71200002,pos,rC2002.1
#C2003,m@example.test,paid,2026-03-04 10:00:00 -0500,USD,30.00,0.00,0.00,30.00,0.00,2026-03-04 09:59:00 -0500,1,Jar,30.00,J-1,,gift_card + Cash,,0.00,0.00,,71200003,web,
#C2004,n@example.test,voided,,USD,30.00,0.00,0.00,30.00,0.00,2026-03-04 11:59:00 -0500,1,Jar,30.00,J-1,,Shopify Payments,,0.00,30.00,,71200004,web,
#C2005,o@example.test,paid,2026-03-04 12:00:00 -0500,USD,30.00,0.00,0.00,,0.00,2026-03-04 11:59:00 -0500,1,Jar,30.00,J-1,,Shopify Payments,,0.00,0.00,,71200005,web,
#C2005,,,,,,,,,,,1,Lid,5.00,L-1,,,,,,,,,
#C2006,p@example.test,paid,2026-03-04 12:00:00 -0500,JPY,3000,0,272,3000,0,2026-03-04 11:59:00 -0500,1,Jar,3000,J-1,,stripe,pi_C1,0,0,,71200006,web,
'''

TRANSACTIONS = """Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,Available On,Amount,Fee,Net,Checkout,Payment Method Name,Presentment Amount,Presentment Currency,Currency,VAT
2026-03-03 21:10:41 -0500,charge,#C2001,visa,online,paid,2026-03-06,220040001,2026-03-05,107.10,3.41,103.69,#41000000001,card,107.10,USD,USD,0.00
2026-03-04 09:05:10 -0500,refund,#C2002,master,,paid,2026-03-06,220040001,2026-03-06,-12.00,0.00,-12.00,#41000000002,card,12.00,USD,USD,0.00
2026-03-04 11:47:59 -0500,Charge,#C1990,amex,online,paid,2026-03-06,220040001,2026-03-06,60.00,2.40,57.60,#41000000003,card,55.00,EUR,USD,0.00
2026-03-04 11:47:59 -0500,charge,#C1990,amex,online,paid,2026-03-06,220040001,2026-03-06,60.00,2.40,57.60,#41000000003,card,55.00,EUR,USD,0.00
2026-03-05 01:00:00 -0500,reserve,,,,paid,2026-03-06,220040001,2026-03-06,-20.00,0.00,-20.00,,,,,USD,0.00
2026-03-05 02:00:00 -0500,SHIPPING_LABEL,,,,paid,2026-03-06,220040001,2026-03-06,-7.35,0.00,-7.35,,,,,USD,0.00
2026-03-05 03:00:00 -0500,adjustment,,,,paid,2026-03-06,220040001,2026-03-06,0.00,1.20,-1.20,,,,,USD,0.00
2026-03-06 08:00:00 -0500,reserve,,,,pending,,,2026-03-09,20.00,0.00,20.00,,,,,USD,0.00
2026-03-06 09:00:00 -0500,moon_tax,,,,pending,,,2026-03-09,-1.00,0.00,-1.00,,,,,USD,0.00
"""
# Nine columns, no payout id, dates with slashes, decorated money, another order, Windows line ends and a mark in front.
NARROW = (
    "\ufeffType,Date,Order,Payout Date,Payout Status,Currency,Amount,Fee,Net\r\n"
    "charge,2026-03-03 22:00:00 +0900,#J1,2026/3/6,paid,JPY,\u00a55400,\u00a5184,\u00a55216\r\n"
    "refund,2026-03-04 22:00:00 +0900,#J0,2026/3/6,paid,JPY,(1200),-,(1200)\r\n"
    "payout,2026-03-06 09:00:00 +0900,,2026/3/6,paid,JPY,-4016,0,-4016\r\n"
).replace("(1200),-,", "(1200),0,")
BROKEN = """Transaction Date,Type,Order,Payout ID,Payout Date,Amount,Fee,Net,Currency
2026-03-03 21:10:41 -0500,charge,#B1,220050001,2026-03-06,10.00,0.50,9.50,USD
2026-03-03 21:10:42 -0500,charge,#B2,220050001,2026-03-06,10.00,0.50,9.60,USD
2026-03-03 21:10:43 -0500,charge,#B3,220050001,2026-03-06,10.00,0.50,9.40,USD
2026-03-06 21:10:43 -0500,payout,,220050001,2026-03-06,-28.00,0.00,-28.00,USD
"""
# Charges 227.10, refunds -12.00, adjustments -7.35, reserve -20.00, fees 9.41: net 178.34.
PAYOUTS = """Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,Total,Currency,Bank Reference
2026-03-06,paid,227.10,-12.00,-7.35,-20.00,-9.41,0.00,178.34,USD,ST-C4D5
2026-03-09,in_transit,0.00,-15.00,0.00,0.00,0.00,0.00,-15.00,USD,
2026-03-10,failed,100.00,0.00,0.00,0.00,-3.20,0.00,96.80,USD,ST-F1
2026-03-11,paid,50.00,0.00,0.00,0.00,-1.75,96.80,150.00,USD,ST-F2
"""
PAYOUTS_POSITIVE_FEES = """Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,Marketplace Sales Tax,Advances,Total,Currency
2026/3/6,paid,5400,-1200,0,0,184,0,0,0,4016,JPY
2026/3/7,paid,5400,0,0,300,184,0,-100,0,4816,JPY
"""

STRIPE = """automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created,available_on,currency,gross,fee,net,reporting_category,source_id,description,customer_facing_amount,customer_facing_currency,charge_id,payment_intent_id,payment_metadata[order_id],trace_id,trace_id_status
po_C1,2026-03-09 00:00:00,txn_C1,2026-03-04 14:05:11,2026-03-08 00:00:00,usd,80.00,2.62,77.38,charge,ch_C1,Order C2101,80.00,usd,ch_C1,pi_C1,C2101,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C2,2026-03-05 23:58:40,2026-03-08 00:00:00,usd,-25.00,0.00,-25.00,refund,re_C2,"REFUND FOR CHARGE, partial",-25.00,usd,ch_C0,pi_C0,#C2090,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C3,2026-03-06 17:40:22,2026-03-06 17:40:22,usd,-60.00,15.00,-75.00,dispute,dp_C3,Chargeback withdrawal,-60.00,usd,ch_C9,pi_C9,C2055,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C4,2026-03-06 18:40:22,2026-03-06 18:40:22,usd,60.00,-15.00,75.00,dispute_reversal,dp_C3,Chargeback won,60.00,usd,ch_C9,pi_C9,C2055,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C5,2026-03-07 00:00:00,2026-03-07 00:00:00,USD,-10.00,0.00,-10.00,fee,,Billing,,,,,,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C6,2026-03-07 00:00:00,2026-03-07 00:00:00,usd,-30.00,0.00,-30.00,Risk_Reserved_Funds,,,,,,,,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C7,2026-03-07 00:00:00,2026-03-07 00:00:00,usd,12.00,0.00,12.00,risk_reserved_funds,,,,,,,,ST-C1,supported
po_C1,2026-03-09 00:00:00,txn_C8,2026-03-07 00:00:00,2026-03-07 00:00:00,usd,-1.00,0.00,-1.00,harbour_levy,,,,,,,,ST-C1,supported
,,txn_C9,2026-03-07 00:00:00,2026-03-07 00:00:00,kwd,1.234,0.034,1.200,charge,ch_K1,,,,ch_K1,pi_K1,,,
po_C2,2026-03-10 00:00:00,txn_D1,2026-03-08 00:00:00,2026-03-08 00:00:00,usd,-5.00,0.00,-5.00,refund,,,,,,pi_D0,,ST-C2,supported
po_C2,2026-03-10 00:00:00,txn_D2,2026-03-08 00:00:00,2026-03-08 00:00:00,usd,100.00,3.20,96.80,payout_reversal,po_X,,,,,,,ST-C2,supported
po_J1,2026-03-10 00:00:00,txn_J1,2026-03-08 00:00:00,2026-03-08 00:00:00,jpy,3000,108,2892,charge,ch_J1,,,,ch_J1,pi_J1,J1,ST-J1,supported
"""
# The user's choice of columns, in another order and with a time that says UTC.
STRIPE_MORE = """net,fee,gross,reporting_category,currency,created_utc,balance_transaction_id,automatic_payout_id,payment_metadata[order_id],created
-9.00,0.00,-9.00,refund,usd,2026-03-09 02:00:00,txn_D3,po_C2,C2091,2026-03-08 21:00:00
-5.00,0.00,-5.00,refund,usd,2026-03-08 00:00:00,txn_D1,po_C2,,2026-03-07 19:00:00
"""
STRIPE_PAYOUTS = """payout_id,effective_at,currency,gross,fee,net,reporting_category,balance_transaction_id,description,payout_expected_arrival_date,payout_status,payout_reversed_at,payout_type,payout_description,payout_destination_id,trace_id,trace_id_status
po_C1,2026-03-09 00:00:00,usd,23.38,0.00,23.38,payout,txn_P1,STRIPE PAYOUT,2026-03-10,paid,,bank_account,STRIPE PAYOUT,ba_1,ST-C1,supported
po_M1,2026-03-09 00:00:00,usd,400.00,0.00,400.00,payout,txn_P2,STRIPE PAYOUT,2026-03-10 00:00:00,paid,,bank_account,Manual payout,ba_1,ST-M1,supported
po_N1,2026-03-10 00:00:00,usd,-14.00,0.00,-14.00,payout,txn_P3,STRIPE PAYOUT,2026-03-11,paid,,bank_account,STRIPE PAYOUT,ba_1,ST-N1,supported
po_F1,2026-03-10 00:00:00,usd,96.80,0.00,96.80,payout,txn_P4,STRIPE PAYOUT,2026-03-11,failed,2026-03-13 09:00:00,bank_account,STRIPE PAYOUT,ba_1,ST-F1,supported
po_F1,2026-03-13 00:00:00,usd,96.80,0.00,96.80,payout_reversal,txn_P5,STRIPE PAYOUT,2026-03-11,failed,2026-03-13 09:00:00,bank_account,STRIPE PAYOUT,ba_1,ST-F1,supported
"""
# Exports of the API's rows: what leaves the balance is negative.
STRIPE_PAYOUTS_NEGATED = """payout_id,effective_at_utc,currency,gross,fee,net,reporting_category,payout_status
po_A1,2026-03-09 00:00:00,usd,-187.59,0.00,-187.59,payout,paid
po_A2,2026-03-10 00:00:00,usd,-20.00,0.50,-20.50,payout,paid
"""

SQUARE = """Date,Time,Time Zone,Gross Sales,Discounts,Service Charges,Net Sales,Gift Card Sales,Tax,Tip,Partial Refunds,Total Collected,Source,Card,Card Entry Methods,Cash,Fees,Net Total,Transaction ID,Payment ID,Card Brand,PAN Suffix,Event Type,Location,Order Reference ID,Deposit ID,Deposit Date,Transaction Status
2026-03-05,10:02:11,Eastern Time (US & Canada),$40.00,-$4.00,$0.00,$36.00,$0.00,$2.88,$3.00,$0.00,$41.88,Point of Sale,$41.88,Tapped,$0.00,-$1.24,$40.64,CSTX1,CSPM1,Visa,4242,Payment,Pier 9,#C2201,CSDEP1,2026-03-06,Complete
2026-03-05,23:15:40,Eastern Time (US & Canada),"$1,052.00",$0.00,$0.00,"$1,052.00",$0.00,$4.16,$0.00,$0.00,"$1,056.16",Point of Sale,"$1,036.16",Dipped,$20.00,-$27.09,"$1,029.07",CSTX2,CSPM2,MasterCard,1881,Payment,Pier 9,,CSDEP1,2026-03-06,Complete
2026-03-05,15:30:02,Eastern Time (US & Canada),($12.00),$0.00,$0.00,($12.00),$0.00,-$0.96,$0.00,$0.00,($12.96),Point of Sale,($12.96),N/A,$0.00,$0.00,($12.96),CSTX3,CSPM3,Visa,4242,Refund,Pier 9,,CSDEP1,2026-03-06,Complete
2026-03-05,16:00:00,Eastern Time (US & Canada),$9.00,$0.00,$0.00,$9.00,$0.00,$0.72,$0.00,$0.00,$9.72,Point of Sale,$0.00,N/A,$9.72,$0.00,$9.72,CSTX4,CSPM4,,,Payment,Pier 9,,,,Complete
"""
# An older layout: dates with slashes, AM and PM, another zone, and one that nobody knows.
SQUARE_OLD = """Date,Time,Time Zone,Total Collected,Card,Cash,Fees,Net Total,Payment ID,Event Type,Location,Deposit ID,Deposit Date
3/5/2026,2:30:00 PM,Pacific Time (US & Canada),$10.00,$10.00,,-$0.41,$9.59,CSPM5,Payment,Dock,CSDEP2,03/06/2026
3/5/2026,12:05:00 AM,Pacific Time (US & Canada),\u22125.00,\u22125.00,-,$0.00,\u22125.00,CSPM6,Refund,Dock,CSDEP2,03/06/2026
3/5/2026,1:00:00 PM,Atlantis,$10.00,$10.00,,-$0.41,$9.59,CSPM7,Payment,Dock,CSDEP2,03/06/2026
3/5/2026,1:00:00 PM,London,\u00a310.00,\u00a310.00,,-\u00a30.41,\u00a39.59,CSPM8,Payment,Dock,CSDEP2,03/06/2026
3/5/2026,1:00:00 PM,London,$10.00,$10.00,,-$0.41,$9.60,CSPM9,Tip Jar,Dock,CSDEP2,03/06/2026
"""
SQUARE_BROKEN = """Date,Time,Gross Sales,Net Sales,Total Collected,Card,Fees,Net Total,Payment ID,Event Type
2026-03-05,10:00,$5.00,$5.00,$5.00,$5.00,-$0.25,$4.75,X1,Payment
2026-03-05,10:01,$5.00,$4.00,$5.00,$5.00,-$0.25,$4.70,X2,Payment
"""
