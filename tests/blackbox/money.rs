//! Budgets and limits as clients meet them. Each test ends with the books in balance.

mod books;
mod budgets;
mod kept_back;
mod leaving;
mod limits;
mod midnight;
mod places;
mod preferred;
