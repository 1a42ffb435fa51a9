//! A journal on this machine and its copy in the cluster: which of them knows more.

use super::{Event, Record};

/// What is to be done with a copy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reconciled {
    /// It tells nothing new.
    Behind,
    /// It goes on where the file ends: these records.
    Ahead(Vec<Record>),
    /// Another machine went on from a point before the file's end; the whole journal as it is now.
    Instead(Vec<Record>),
}

/// Compares a journal with its copy; nothing if they do not belong together.
pub(crate) fn reconcile(file: &[Record], copy: Vec<Record>) -> Option<Reconciled> {
    let common = file
        .iter()
        .zip(&copy)
        .take_while(|(one, other)| same(one, other))
        .count();
    if common == copy.len() {
        return Some(Reconciled::Behind);
    }
    let mut copy = copy;
    let rest = copy.split_off(common);
    if common == file.len() {
        return Some(Reconciled::Ahead(rest));
    }
    // The copy is stored before anything is written to the cluster, so what the file alone tells can only be how that
    // went. An action that it alone began is one that the copy would not put back.
    let unknown = file[common..]
        .iter()
        .any(|it| matches!(it.event, Event::ActionBegan { .. }));
    if unknown || common == 0 {
        return None;
    }
    // The file holds former objects that a copy may have had no room for.
    Some(Reconciled::Instead(
        file[..common].iter().cloned().chain(rest).collect(),
    ))
}

/// Whether two records are the same; a copy may leave out what an object was.
fn same(one: &Record, other: &Record) -> bool {
    fn bare(record: &Record) -> Record {
        let mut record = record.clone();
        if let Event::ActionBegan {
            former, omitted, ..
        } = &mut record.event
        {
            (*former, *omitted) = (None, false);
        }
        if let Event::ActionEnded { stored, .. } = &mut record.event {
            *stored = None;
        }
        record
    }
    one.at == other.at && bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn began(at: u8, former: Option<serde_json::Value>) -> Record {
        let event = Event::ActionBegan {
            step: "s".to_owned(),
            action: usize::from(at),
            object: super::super::copy::reference("n"),
            omitted: former.is_none(),
            former,
            mark: None,
            pods: Vec::new(),
        };
        Record::new("p", format!("{at}"), event)
    }

    fn ended(at: u8) -> Record {
        let event = Event::StepEnded {
            step: format!("{at}"),
        };
        Record::new("p", format!("{at}"), event)
    }

    #[test]
    fn an_older_copy_tells_nothing_even_without_former_objects() {
        let file = [began(1, Some(json!({ "data": 1 }))), ended(2)];
        assert_eq!(
            reconcile(&file, vec![began(1, None)]),
            Some(Reconciled::Behind)
        );
    }

    #[test]
    fn a_newer_copy_is_taken_from_where_the_file_ends() {
        assert_eq!(
            reconcile(&[ended(1)], vec![ended(1), ended(2)]),
            Some(Reconciled::Ahead(vec![ended(2)]))
        );
        assert_eq!(
            reconcile(&[], vec![ended(1)]),
            Some(Reconciled::Ahead(vec![ended(1)]))
        );
    }

    #[test]
    fn another_machine_that_went_on_from_the_copy_wins() {
        let former = began(1, Some(json!({ "data": 1 })));
        let file = [former.clone(), ended(2)];
        let copy = vec![began(1, None), ended(3)];
        assert_eq!(
            reconcile(&file, copy),
            Some(Reconciled::Instead(vec![former, ended(3)]))
        );
    }

    #[test]
    fn actions_that_the_copy_knows_nothing_of_are_not_given_up() {
        let file = [ended(1), began(2, None)];
        assert_eq!(reconcile(&file, vec![ended(1), ended(3)]), None);
        assert_eq!(reconcile(&[ended(1)], vec![ended(2)]), None);
    }
}
