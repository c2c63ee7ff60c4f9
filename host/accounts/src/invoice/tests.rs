use super::*;
use crate::calendar::{read_day, write_day};
use crate::money::{PER_DOLLAR, write_signed_dollars};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn day(text: &str) -> Day {
    read_day(text).unwrap()
}

fn read_text(text: &str) -> Result<Invoice, InvoiceError> {
    read(text.as_bytes(), &Columns::default())
}

/// Each sum as `day model dollars`.
fn sums(invoice: &Invoice) -> Vec<String> {
    let line = |((day, model), amount): (&(Day, String), &i128)| {
        format!("{} {model} {}", write_day(*day), write_signed_dollars(*amount))
    };
    invoice.sums.iter().map(line).collect()
}

#[test]
fn common_exports_are_read_without_being_told_how() {
    let check = |text: &str, columns: [&str; 3], expected: &[&str]| {
        let invoice = read_text(text).unwrap();
        assert_eq!(invoice.bad, []);
        assert_eq!(invoice.columns, columns);
        assert_eq!(sums(&invoice), expected);
    };
    check(
        "Date,Model,Cost\n2026-11-01,m-1,0.5\n2026-11-01,m-1,0.25\n2026-11-02,m-1,$1.00\n",
        ["Date", "Model", "Cost"],
        &["2026-11-01 m-1 0.75", "2026-11-02 m-1 1"],
    );
    check(
        "start_time,end_time,start_time_iso,amount_value,amount_currency,line_item\n1793491200,1793577600,2026-11-01T00:00:00+00:00,0.000012825000000000000000,usd,\"m-2, input\"\n",
        ["start_time_iso", "line_item", "amount_value"],
        &["2026-11-01 m-2, input 0.000012825"],
    );
    check(
        "usage_date_utc,model,token_type,price,cost_usd\n2026-11-03,m-3,input,9,1.5\n2026-11-03,,tax,9,-0.5\n",
        ["usage_date_utc", "model", "cost_usd"],
        &["2026-11-03 (no model) -0.5", "2026-11-03 m-3 1.5"],
    );
    check(
        "lineItem/UsageStartDate,lineItem/UsageType,lineItem/UnblendedCost\n2026-11-03T05:00:00Z,x,2e-3\n",
        ["lineItem/UsageStartDate", "lineItem/UsageType", "lineItem/UnblendedCost"],
        &["2026-11-03 x 0.002"],
    );
}

#[test]
fn marks_quotes_delimiters_and_line_ends_of_all_sorts_are_read() {
    let expected = ["2026-11-01 a \"b\", c 1234.5"];
    for text in [
        "\u{feff}day,model,usd\r\n2026-11-01,\"a \"\"b\"\", c\",\"$1,234.50\"\r\n",
        "day;model;usd\n2026-11-01;\"a \"\"b\"\", c\";1,234.50",
        "\n\n\"Day\"\t\"Model\"\t\"USD\"\n\n2026-11-01\t\"a \"\"b\"\", c\"\t1234.50\n\n",
        "day|model|usd\r2026-11-01|\"a \"\"b\"\", c\"|1234.50\r",
        "\"day, utc\",day,model,usd\nx, 2026-11-01 ,\"a \"\"b\"\", c\", 1234.50 \n , ,,\n",
    ] {
        let invoice = read_text(text).unwrap();
        assert_eq!(
            (sums(&invoice), invoice.lines),
            (expected.map(str::to_owned).to_vec(), 1),
            "{text}"
        );
    }
}

#[test]
fn columns_may_be_named() {
    let text = "date,billed on,model,cost,list price\n2026-11-01,2026-11-05,m,1,3\n";
    let columns = |day: &str, amount: &str| Columns {
        day: Some(day.to_owned()),
        model: None,
        amount: Some(amount.to_owned()),
    };
    let named = read(text.as_bytes(), &columns("Billed On", "list price")).unwrap();
    assert_eq!(sums(&named), ["2026-11-05 m 3"]);
    let error = read(text.as_bytes(), &columns("paid", "cost")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no column is called `paid`: the header is `date`, `billed on`, `model`, `cost`, `list price`"
    );
}

#[test]
fn every_bad_line_is_told_with_its_number_and_the_rest_is_read() {
    let text = "day,model,cost,currency\n\
        2026-11-01,a,1,USD\n\
        yesterday,a,1,USD\n\
        2026-11-01,\"two\nlines\",1,USD\n\
        2026-11-01,a,one,USD\n\
        \n\
        2026-11-01,a,1\n\
        2026-11-01,a,1,EUR\n\
        Total,,4,\n\
        2026-11-02,a,2,usd\n";
    let invoice = read_text(text).unwrap();
    let told: Vec<String> = invoice.bad.iter().map(BadLine::to_string).collect();
    assert_eq!(
        told,
        [
            "line 3: the day `yesterday` is no date: `2027-01-31`, RFC 3339, or Unix seconds",
            "line 6: the amount `one` is no amount in US dollars",
            "line 8: has 3 fields where the header has 4",
            "line 9: is in another currency than US dollars: EUR",
            "line 10: the day `Total` is no date: `2027-01-31`, RFC 3339, or Unix seconds",
        ]
    );
    assert_eq!((invoice.lines, invoice.bad_count), (8, 5));
    assert_eq!(sums(&invoice), ["2026-11-01 a 1", "2026-11-01 two\nlines 1", "2026-11-02 a 2"]);
    let check = |text: &str, lines: &[u64]| {
        let bad: Vec<u64> = read_text(text).unwrap().bad.iter().map(|bad| bad.line).collect();
        assert_eq!(bad, lines, "{text:?}");
    };
    check("\n\nday,model,cost\n\n\nx,y,z\nx,y,z", &[6, 7]);
    check("\r\nday,model,cost\r\n\r\nx,y,z\r\nx,y,z\r\n", &[4, 5]);
    check("day,model,cost\rx,y,z\r\rx,y,z\r", &[2, 4]);
    let latin = read(b"day,model,cost\n2026-11-01,caf\xe9,1\n", &Columns::default()).unwrap();
    assert_eq!(latin.bad, [BadLine { line: 2, problem: LineProblem::NotText }]);
    let long = format!("day,model,cost\n2026-11-01,{},1\n", "m".repeat(257));
    assert_eq!(read_text(&long).unwrap().bad[0].problem, LineProblem::LongModel);
    let unclosed = read_text("day,model,cost\n2026-11-01,\"a,1\n2026-11-01,a,1\n").unwrap();
    assert_eq!((unclosed.bad_count, unclosed.bad[0].line), (1, 2));
    let many = format!("day,model,cost\n{}", "x,y,z\n".repeat(1_000));
    let many = read_text(&many).unwrap();
    assert_eq!((many.bad.len(), many.bad_count), (MAX_BAD_LINES, 1_000));
}

#[test]
fn what_is_no_invoice_says_why() {
    assert_eq!(read_text(""), Err(InvoiceError::Empty));
    assert_eq!(read_text("\n\r\n"), Err(InvoiceError::Empty));
    assert_eq!(read(b"\xff\xfed\0a\0y\0", &Columns::default()), Err(InvoiceError::Utf16));
    let check = |text: &str, expected: &str| {
        assert_eq!(read_text(text).unwrap_err().to_string(), expected);
    };
    check(
        "date,model,tokens\n",
        "no column looks like the amount: the header is `date`, `model`, `tokens`; name the column",
    );
    check(
        "{\"a\": 1}",
        "no column looks like the day: the header is `{\"a\": 1}`; name the column",
    );
    assert!(read_text(&"x,".repeat(10_000)).unwrap_err().to_string().len() < 600);
}

#[test]
fn what_is_finer_than_a_picodollar_is_rounded_and_counted() {
    let text = "day,model,cost\n2026-11-01,a,0.30000000000000004\n2026-11-01,a,0.1\n";
    let invoice = read_text(text).unwrap();
    assert_eq!((sums(&invoice), invoice.rounded), (vec!["2026-11-01 a 0.4".to_owned()], 1));
}

#[test]
fn whatever_is_written_is_summed_exactly() {
    let mut random = StdRng::seed_from_u64(9);
    for _ in 0..50 {
        let mut expected = Sums::new();
        let mut text = "usage date;AMOUNT (x);model;cost usd\r\n".to_owned();
        for _ in 0..random.random_range(1..200) {
            let on = day("2026-11-01") + random.random_range(0..40);
            let model = format!("m-{}", random.random_range(0..5));
            let most = i128::try_from(50_000_000 * PER_DOLLAR).unwrap();
            let amount = random.random_range(-most / 100..most);
            *expected.entry((on, model.clone())).or_default() += amount;
            let amount = match random.random_range(0..3) {
                0 => write_signed_dollars(amount),
                1 => format!("{amount}e-12"),
                _ => format!("\"{} USD\"", write_signed_dollars(amount)),
            };
            let on = match random.random_range(0..3) {
                0 => write_day(on),
                1 => (on * 86_400 + random.random_range(0..86_400)).to_string(),
                _ => format!("{}T{:02}:00:00Z", write_day(on), random.random_range(0..24)),
            };
            text.push_str(&format!("{on};;{model};{amount}\r\n"));
        }
        let invoice = read_text(&text).unwrap();
        assert_eq!((invoice.sums, invoice.bad), (expected, Vec::new()));
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let mut random = StdRng::seed_from_u64(10);
    let pieces: Vec<&[u8]> = vec![
        b"day",
        b"model",
        b"cost",
        b",",
        b";",
        b"\n",
        b"\r\n",
        b"\"",
        b"2026-11-01",
        b"$",
        b"-",
        b"1e9",
        b"\xff",
        b"(",
        b")",
        b".",
        b"1,234",
        b"\xef\xbb\xbf",
        b"9999999999999",
        b" ",
        b"\xc3\xa9",
        b"T",
        b"UTC",
    ];
    for _ in 0..20_000 {
        let mut file = if random.random_bool(0.5) { b"day,model,cost\n".to_vec() } else { vec![] };
        for _ in 0..random.random_range(0..30) {
            file.extend_from_slice(pieces[random.random_range(0..pieces.len())]);
        }
        let _ = read(&file, &Columns::default());
    }
}
