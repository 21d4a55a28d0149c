/// Loads the rows of a table that have these ids. What asks for one id is known by its type: its
/// SQL is written once for each connection, not each time.
macro_rules! by_ids {
    ($conn:expr, $table:ident, $ids:expr, $row:ty => $entity:ty) => {
        $crate::by_ids::by_ids!($conn, $table, $table::all_columns, $ids, $row => $entity)
    };
    ($conn:expr, $table:ident, $columns:expr, $ids:expr, $row:ty => $entity:ty) => {{
        use $crate::types::{AsText, texts};
        let ids = $ids;
        let conn = $conn.quick(ids.len());
        let loaded = match ids {
            [id] => $crate::backend::run!(conn, |c| $table::table
                .filter($table::id.eq(AsText(*id)))
                .select($columns)
                .load(c)),
            ids => $crate::backend::run!(conn, |c| $table::table
                .filter($table::id.eq_any(texts(ids)))
                .select($columns)
                .load(c)),
        };
        let rows: Vec<$row> = loaded.map_err($crate::error::database)?;
        Ok(rows.into_iter().map(<$entity>::from).collect())
    }};
}
pub(crate) use by_ids;
